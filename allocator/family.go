package allocator

import "net/netip"

// family is an IP family; it indexes the arrays that hold one thing for each.
type family int

const (
	ipv4 family = iota
	ipv6
	families
)

// familyOf gives the family of a valid prefix.
func familyOf(p netip.Prefix) family {
	if p.Addr().Is4() {
		return ipv4
	}
	return ipv6
}

// bits is the length of an address.
func (f family) bits() int {
	if f == ipv4 {
		return 32
	}
	return 128
}

func (f family) String() string {
	if f == ipv4 {
		return "IPv4"
	}
	return "IPv6"
}

// of gives the pair's prefix of one family.
func (p *Pair) of(f family) *netip.Prefix {
	if f == ipv4 {
		return &p.V4
	}
	return &p.V6
}

// complete reports whether the pair has a prefix of each family.
func (p *Pair) complete() bool { return p.V4.IsValid() && p.V6.IsValid() }
