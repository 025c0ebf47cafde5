package kernel

import (
	"fmt"
	"net/netip"
)

// Protocol marks the agent's routes and neighbour proxies, shown as "proto 213" by iproute2. No routing daemon has
// registered the number.
const Protocol = 213

// ProtocolKernel marks the routes that the kernel adds for its own addresses (RTPROT_KERNEL).
const ProtocolKernel = 2

// Link is a network interface.
type Link struct {
	Index int
	Name  string
	// Kind is the kind in iproute2's terms, as in "veth".
	Kind string
	// MTU is in bytes.
	MTU int
	// Up is the administrative state, not that of the carrier.
	Up bool
}

// Address is an address that an interface holds.
type Address struct {
	Addr netip.Addr
	// Bits is the length of the prefix with which the address was configured.
	Bits int
	Link int
}

// Route is a unicast route of the main table.
type Route struct {
	Dst      netip.Prefix
	Via      netip.Addr // the zero Addr if Dst is on the link
	Link     int        // index
	Protocol int
}

// String returns the route in iproute2's notation, with the index of the interface instead of its name.
func (r Route) String() string {
	if r.Via.IsValid() {
		return fmt.Sprintf("%s via %s dev %d proto %d", r.Dst, r.Via, r.Link, r.Protocol)
	}
	return fmt.Sprintf("%s dev %d proto %d", r.Dst, r.Link, r.Protocol)
}

// Proxy is an address for which the kernel answers neighbour solicitations on one link.
type Proxy struct {
	Addr     netip.Addr
	Link     int // index
	Protocol int
}

// String returns the proxy in iproute2's notation, with the index of the interface instead of its name.
func (p Proxy) String() string { return fmt.Sprintf("%s dev %d proxy", p.Addr, p.Link) }

// State is the kernel's state at one time.
type State struct {
	Links     []Link
	Addresses []Address
	Routes    []Route
	Proxies   []Proxy
}
