package network

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// CheckFree checks that no interface except the bridge has an address within the ranges, or a route into them. A wider route, such
// as a VPN's, is not a conflict: the route of the bridge is more specific.
func CheckFree(ranges []netip.Prefix) error {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return fmt.Errorf("cannot list the network interfaces: %w", err)
	}
	for _, link := range links {
		// The bridge's own addresses and routes are in the ranges by intent.
		if link.Attrs().Name == Bridge {
			continue
		}
		taken, err := prefixesOn(link)
		if err != nil {
			return err
		}
		for _, wanted := range ranges {
			for _, prefix := range taken {
				if wanted.Contains(prefix.Addr()) {
					return &ConflictError{Range: wanted.Masked(), Taken: prefix, Link: link.Attrs().Name}
				}
			}
		}
	}
	return nil
}

// prefixesOn returns the addresses of an interface, and the destinations of routes through it, except for default routes.
func prefixesOn(link netlink.Link) ([]netip.Prefix, error) {
	addresses, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("cannot list the addresses of %s: %w", link.Attrs().Name, err)
	}
	routes, err := dump(func() ([]netlink.Route, error) { return netlink.RouteList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("cannot list the routes of %s: %w", link.Attrs().Name, err)
	}
	var prefixes []netip.Prefix
	// A prefix length of zero is a default route, which most machines have.
	add := func(text string) {
		if prefix, err := netip.ParsePrefix(text); err == nil && prefix.Bits() > 0 {
			prefixes = append(prefixes, prefix)
		}
	}
	for _, address := range addresses {
		add(address.IPNet.String())
	}
	for _, route := range routes {
		if route.Dst != nil {
			add(route.Dst.String())
		}
	}
	return prefixes, nil
}
