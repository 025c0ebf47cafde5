package network

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// aliasPrefix begins the bridge's alias; the lab's name follows.
const aliasPrefix = "dualstrap lab "

// Owner gives the name of the lab whose bridge there is. The name is empty for a bridge that was cut
// off while it was made.
func Owner() (lab string, laid bool, err error) {
	link, err := find(Bridge)
	if err != nil || link == nil {
		return "", false, err
	}
	return strings.TrimPrefix(link.Attrs().Alias, aliasPrefix), true, nil
}

// CreateBridge makes the bridge with this machine's addresses, unless it is there. It reports whether it had to
// change anything.
func CreateBridge(lab string, addresses []netip.Prefix) (bool, error) {
	link, err := find(Bridge)
	if err != nil {
		return false, err
	}
	changed := false
	if link == nil {
		changed = true
		if link, err = makeBridge(); err != nil {
			return false, err
		}
	}
	if alias := aliasPrefix + lab; link.Attrs().Alias != alias {
		changed = true
		if err := netlink.LinkSetAlias(link, alias); err != nil {
			return false, fmt.Errorf("cannot name the bridge %s: %w", Bridge, err)
		}
	}
	if !isUp(link) {
		changed = true
		if err := netlink.LinkSetUp(link); err != nil {
			return false, fmt.Errorf("cannot switch the bridge %s on: %w", Bridge, err)
		}
	}
	added, err := addAddresses(link, addresses)
	return changed || added, err
}

// makeBridge makes a plain switch. Snooping would make it forget who wants to hear of neighbours: there
// is no multicast router that asks.
func makeBridge() (netlink.Link, error) {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = Bridge
	snooping := false
	bridge := &netlink.Bridge{LinkAttrs: attributes, MulticastSnooping: &snooping}
	if err := netlink.LinkAdd(bridge); err != nil {
		return nil, fmt.Errorf("cannot make the bridge %s: %w", Bridge, err)
	}
	return find(Bridge)
}

func addAddresses(link netlink.Link, addresses []netip.Prefix) (bool, error) {
	present, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return false, fmt.Errorf("cannot list the addresses of %s: %w", Bridge, err)
	}
	has := map[string]bool{}
	for _, address := range present {
		has[address.IPNet.String()] = true
	}
	changed := false
	for _, prefix := range addresses {
		if has[prefix.String()] {
			continue
		}
		address, err := netlink.ParseAddr(prefix.String())
		if err != nil {
			return changed, err
		}
		if prefix.Addr().Is6() {
			address.Flags = unix.IFA_F_NODAD // without a cable there is no carrier, and nobody to ask
		}
		if err := netlink.AddrAdd(link, address); err != nil {
			return changed, fmt.Errorf("cannot give %s the address %s: %w", Bridge, prefix, err)
		}
		changed = true
	}
	return changed, nil
}

// Remove removes the bridge and all cables, and reports whether there was anything.
func Remove() (bool, error) {
	cables, err := vethLinks()
	if err != nil {
		return false, err
	}
	removed := false
	for _, link := range cables {
		removed = true
		if err := remove(link); err != nil {
			return removed, err
		}
	}
	bridge, err := find(Bridge)
	if err != nil || bridge == nil {
		return removed, err
	}
	return true, remove(bridge)
}

// find gives a link, nil when there is none of that name.
func find(name string) (netlink.Link, error) {
	link, err := netlink.LinkByName(name)
	var missing netlink.LinkNotFoundError
	switch {
	case errors.As(err, &missing):
		return nil, nil //nolint:nilnil // nothing is an answer here
	case err != nil:
		return nil, fmt.Errorf("cannot look for the interface %s: %w", name, err)
	}
	return link, nil
}

// remove removes a link. A cable may go by itself in the meantime, with its host.
func remove(link netlink.Link) error {
	name := link.Attrs().Name
	if err := netlink.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		if again, findErr := find(name); findErr == nil && again == nil {
			return nil
		}
		return fmt.Errorf("cannot remove the interface %s: %w", name, err)
	}
	return nil
}

// isUp reports whether a link is switched on, whatever its carrier.
func isUp(link netlink.Link) bool { return link.Attrs().RawFlags&unix.IFF_UP != 0 }

// dump lists something in the kernel, again when the list changed meanwhile and may have holes.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	for {
		all, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return all, err
		}
	}
}
