package network

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// aliasPrefix begins the alias of the bridge; the name of the lab follows.
const aliasPrefix = "dualstrap lab "

// Owner returns the name of the lab that owns the bridge, and whether there is a bridge. The name is empty if an interrupted
// run has created the bridge without naming it.
func Owner() (lab string, laid bool, err error) {
	link, err := find(Bridge)
	if err != nil || link == nil {
		return "", false, err
	}
	return strings.TrimPrefix(link.Attrs().Alias, aliasPrefix), true, nil
}

// CreateBridge creates the bridge with this machine's addresses, or completes an existing one. It reports whether it changed
// anything.
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
	// The alias is set second: if the run is interrupted before, the bridge has no owner, and the next run adopts it.
	if alias := aliasPrefix + lab; link.Attrs().Alias != alias {
		changed = true
		if err := netlink.LinkSetAlias(link, alias); err != nil {
			return false, fmt.Errorf("cannot set the alias of the bridge %s: %w", Bridge, err)
		}
	}
	if !isUp(link) {
		changed = true
		if err := netlink.LinkSetUp(link); err != nil {
			return false, fmt.Errorf("cannot set the bridge %s up: %w", Bridge, err)
		}
	}
	// The addresses' connected routes are the only routes that the lab adds to the machine.
	added, err := addAddresses(link, addresses)
	return changed || added, err
}

// makeBridge creates a plain switch. Multicast snooping is disabled: without a multicast router to send queries, the bridge
// would forget which hosts listen for neighbor solicitations.
func makeBridge() (netlink.Link, error) {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = Bridge
	snooping := false
	bridge := &netlink.Bridge{LinkAttrs: attributes, MulticastSnooping: &snooping}
	if err := netlink.LinkAdd(bridge); err != nil {
		return nil, fmt.Errorf("cannot create the bridge %s: %w", Bridge, err)
	}
	return find(Bridge)
}

// addAddresses adds missing addresses to the bridge, and reports whether it added any.
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
			address.Flags = unix.IFA_F_NODAD // without a veth link the bridge has no carrier, and DAD would never finish
		}
		if err := netlink.AddrAdd(link, address); err != nil {
			return changed, fmt.Errorf("cannot add the address %s to %s: %w", prefix, Bridge, err)
		}
		changed = true
	}
	return changed, nil
}

// Remove removes the bridge and all veth links, and reports whether there were any.
func Remove() (bool, error) {
	veths, err := vethLinks()
	if err != nil {
		return false, err
	}
	removed := false
	for _, link := range veths {
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

// find returns the link of the given name, or nil if it does not exist.
func find(name string) (netlink.Link, error) {
	link, err := netlink.LinkByName(name)
	var missing netlink.LinkNotFoundError
	switch {
	case errors.As(err, &missing):
		return nil, nil // a missing link is a valid result
	case err != nil:
		return nil, fmt.Errorf("cannot look for the interface %s: %w", name, err)
	}
	return link, nil
}

// remove removes a link. The kernel may have removed a veth link meanwhile, together with its host's network namespace.
func remove(link netlink.Link) error {
	name := link.Attrs().Name
	if err := netlink.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		// Another process may have removed it between the two calls; then it is gone, as wanted.
		if again, findErr := find(name); findErr == nil && again == nil {
			return nil
		}
		return fmt.Errorf("cannot remove the interface %s: %w", name, err)
	}
	return nil
}

// isUp reports whether a link is administratively up, whether or not it has a carrier.
func isUp(link netlink.Link) bool { return link.Attrs().RawFlags&unix.IFF_UP != 0 }

// dump lists objects of the kernel, and retries if they changed meanwhile, since the list is then incomplete.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	for {
		all, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return all, err
		}
	}
}
