package allocator

import "net/netip"

// family is an IP family. It indexes arrays that hold one value per family.
type family int

const (
	ipv4 family = iota
	ipv6
	// families is the number of families, and the length of such arrays.
	families
)

// familyOf returns the family of a valid prefix. An IPv4-mapped prefix counts as IPv6; New refuses it in configs.
func familyOf(p netip.Prefix) family {
	if p.Addr().Is4() {
		return ipv4
	}
	return ipv6
}

// bits returns the length of an address of the family.
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

// of returns a pointer to the pair's prefix of one family, for reading and setting.
func (p *Pair) of(f family) *netip.Prefix {
	if f == ipv4 {
		return &p.V4
	}
	return &p.V6
}

// complete reports whether the pair has a prefix of each family.
func (p *Pair) complete() bool { return p.V4.IsValid() && p.V6.IsValid() }
