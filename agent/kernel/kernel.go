package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"
)

// maxDumps is how often a list is read anew when the kernel says that it changed meanwhile.
const maxDumps = 10

// Kernel is the network namespace that the process was in when it was opened.
type Kernel struct{ handle *netlink.Handle }

// Open connects to the kernel.
func Open() (*Kernel, error) {
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("cannot open a netlink socket: %w", err)
	}
	return &Kernel{handle: handle}, nil
}

// Close ends the connection and changes nothing.
func (k *Kernel) Close() { k.handle.Close() }

// Read lists links, addresses, routes and proxies of both families. Links come last: the kernel drops
// routes and proxies of a link after it marked that as down, so a link that is up had them all when
// they were listed, and what is missing is missing for another reason.
func (k *Kernel) Read() (State, error) {
	var state State
	for _, read := range []struct {
		what string
		list func(*State) error
	}{
		{"routes", k.readRoutes},
		{"neighbour proxies", k.readProxies},
		{"addresses", k.readAddresses},
		{"links", k.readLinks},
	} {
		if err := read.list(&state); err != nil {
			return State{}, fmt.Errorf("cannot list the kernel's %s: %w", read.what, err)
		}
	}
	return state, nil
}

func (k *Kernel) readLinks(state *State) error {
	links, err := dump(k.handle.LinkList)
	for _, link := range links {
		attrs := link.Attrs()
		state.Links = append(state.Links, Link{
			Index: attrs.Index, Name: attrs.Name, Kind: link.Type(), MTU: attrs.MTU, Up: attrs.Flags&net.FlagUp != 0,
		})
	}
	return err
}

func (k *Kernel) readAddresses(state *State) error {
	addresses, err := dump(func() ([]netlink.Addr, error) { return k.handle.AddrList(nil, netlink.FAMILY_ALL) })
	for _, address := range addresses {
		if addr, ok := netip.AddrFromSlice(address.IP); ok {
			bits, _ := address.Mask.Size()
			state.Addresses = append(state.Addresses, Address{Addr: addr.Unmap(), Bits: bits, Link: address.LinkIndex})
		}
	}
	return err
}

func (k *Kernel) readRoutes(state *State) error {
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		filter := &netlink.Route{Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST}
		routes, err := dump(func() ([]netlink.Route, error) {
			return k.handle.RouteListFiltered(family, filter, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_TYPE)
		})
		if err != nil {
			return err
		}
		for i := range routes {
			if route, ok := routeOf(&routes[i]); ok {
				state.Routes = append(state.Routes, route)
			}
		}
	}
	return nil
}

// routeOf leaves out default routes, which have no prefix in some versions of the library, and
// routes over several links.
func routeOf(r *netlink.Route) (Route, bool) {
	if r.Dst == nil || r.LinkIndex == 0 {
		return Route{}, false
	}
	dst, ok := netipx.FromStdIPNet(r.Dst)
	via, _ := netip.AddrFromSlice(r.Gw)
	return Route{Dst: dst, Via: via.Unmap(), Link: r.LinkIndex, Protocol: int(r.Protocol)}, ok
}

// dump lists something as a whole: a list that changed while it was read is read again.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	for range maxDumps {
		items, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return items, err
		}
	}
	return nil, netlink.ErrDumpInterrupted
}

// AddRoute adds a route to the main table. It fails when there is one to the same destination, which
// then is another's.
func (k *Kernel) AddRoute(route Route) error {
	if err := k.handle.RouteAdd(netlinkRoute(route)); errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("cannot add route %s: there is one to %s that the agent did not make", route, route.Dst)
	} else if err != nil {
		return fmt.Errorf("cannot add route %s: %w", route, err)
	}
	return nil
}

// DeleteRoute removes exactly this route; that it is gone already is no error.
func (k *Kernel) DeleteRoute(route Route) error {
	if err := k.handle.RouteDel(netlinkRoute(route)); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("cannot delete route %s: %w", route, err)
	}
	return nil
}

func netlinkRoute(route Route) *netlink.Route {
	return &netlink.Route{
		Dst:       netipx.PrefixIPNet(route.Dst),
		Gw:        route.Via.AsSlice(),
		LinkIndex: route.Link,
		Protocol:  netlink.RouteProtocol(route.Protocol),
		Table:     unix.RT_TABLE_MAIN,
	}
}
