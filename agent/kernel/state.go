package kernel

import (
	"fmt"
	"net/netip"
)

// Protocol marks routes and neighbour proxies as the agent's, as "proto 213" in iproute2. No routing
// daemon has registered it.
const Protocol = 213

// ProtocolKernel marks the routes that the kernel makes for addresses of its own.
const ProtocolKernel = 2

// Link is a network interface.
type Link struct {
	Index int
	Name  string
	// Kind is as iproute2 calls it, as in "veth".
	Kind string
	MTU  int
	Up   bool
}

// Address is an address that an interface holds.
type Address struct {
	Addr netip.Addr
	// Bits is how long the prefix is that it was configured with.
	Bits int
	Link int
}

// Route is a unicast route of the main table.
type Route struct {
	Dst      netip.Prefix
	Via      netip.Addr // the zero Addr when Dst is on the link
	Link     int
	Protocol int
}

// String is as iproute2 writes routes, with the interface's number.
func (r Route) String() string {
	if r.Via.IsValid() {
		return fmt.Sprintf("%s via %s dev %d proto %d", r.Dst, r.Via, r.Link, r.Protocol)
	}
	return fmt.Sprintf("%s dev %d proto %d", r.Dst, r.Link, r.Protocol)
}

// Proxy is an address that the kernel answers neighbour solicitations for, on one link.
type Proxy struct {
	Addr     netip.Addr
	Link     int
	Protocol int
}

// String is as iproute2 writes proxies, with the interface's number.
func (p Proxy) String() string { return fmt.Sprintf("%s dev %d proxy", p.Addr, p.Link) }

// State is what the kernel knows, at one time.
type State struct {
	Links     []Link
	Addresses []Address
	Routes    []Route
	Proxies   []Proxy
}
