package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The netlink library's neighbours lack NDA_PROTOCOL, which records who made an entry. Therefore the messages are
// encoded and decoded here.

// readProxies adds the neighbour proxies of both families to the state.
func (k *Kernel) readProxies(state *State) error {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		messages, err := dump(func() ([][]byte, error) {
			request := nl.NewNetlinkRequest(unix.RTM_GETNEIGH, unix.NLM_F_DUMP)
			request.AddData(&netlink.Ndmsg{Family: family, Flags: netlink.NTF_PROXY})
			return request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWNEIGH)
		})
		if err != nil {
			return err
		}
		for _, message := range messages {
			if proxy, ok := parseProxy(message); ok {
				state.Proxies = append(state.Proxies, proxy)
			}
		}
	}
	return nil
}

// parseProxy decodes a neighbour message. It returns false if the neighbour is not a proxy on a link.
func parseProxy(message []byte) (Proxy, bool) {
	const length, index, flags = 12, 4, 10 // size of struct ndmsg, and offsets of two fields
	if len(message) < length || message[flags]&netlink.NTF_PROXY == 0 {
		return Proxy{}, false
	}
	proxy := Proxy{Link: int(binary.NativeEndian.Uint32(message[index:]))}
	attributes, err := nl.ParseRouteAttr(message[length:])
	if err != nil || proxy.Link == 0 {
		return Proxy{}, false
	}
	for _, attribute := range attributes {
		switch attribute.Attr.Type {
		case netlink.NDA_DST:
			proxy.Addr, _ = netip.AddrFromSlice(attribute.Value)
		case netlink.NDA_PROTOCOL:
			if len(attribute.Value) == 1 {
				proxy.Protocol = int(attribute.Value[0])
			}
		}
	}
	return proxy, proxy.Addr.IsValid()
}

// AddProxy makes the kernel answer neighbour solicitations for an address. An existing proxy is not an error.
func (k *Kernel) AddProxy(proxy Proxy) error {
	if err := changeProxy(proxy, unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE|unix.NLM_F_ACK); err != nil {
		return fmt.Errorf("cannot add neighbour proxy %s: %w", proxy, err)
	}
	return nil
}

// DeleteProxy removes a neighbour proxy. A missing proxy is not an error.
func (k *Kernel) DeleteProxy(proxy Proxy) error {
	err := changeProxy(proxy, unix.RTM_DELNEIGH, unix.NLM_F_ACK)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("cannot delete neighbour proxy %s: %w", proxy, err)
	}
	return nil
}

// changeProxy sends a message to add or delete a proxy, and waits for the kernel's acknowledgement.
func changeProxy(proxy Proxy, kind, flags int) error {
	family := uint8(unix.AF_INET)
	if proxy.Addr.Is6() {
		family = unix.AF_INET6
	}
	request := nl.NewNetlinkRequest(kind, flags)
	request.AddData(&netlink.Ndmsg{
		Family: family, Index: uint32(proxy.Link), State: unix.NUD_PERMANENT, Flags: netlink.NTF_PROXY,
	})
	request.AddData(nl.NewRtAttr(netlink.NDA_DST, proxy.Addr.AsSlice()))
	// The kernel identifies a proxy by address and link, so a deletion needs no protocol.
	if proxy.Protocol != 0 && kind == unix.RTM_NEWNEIGH {
		request.AddData(nl.NewRtAttr(netlink.NDA_PROTOCOL, []byte{uint8(proxy.Protocol)}))
	}
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}
