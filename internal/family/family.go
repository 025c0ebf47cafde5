// Package family names the two IP families, and holds values that exist once for each of them.
package family

import "net/netip"

// Family is an IP family, and the index of a [Pair].
type Family int

// The IP families.
const (
	IPv4 Family = iota
	IPv6
)

// Pair holds one value for each family, indexed by [Family]. IPv4 comes first, as in the podCIDRs of a Node's spec.
type Pair[T any] [2]T

// All returns both families.
func All() Pair[Family] { return Pair[Family]{IPv4, IPv6} }

// Of returns the family of an address. An IPv4-mapped IPv6 address counts as IPv6.
func Of(address netip.Addr) Family {
	if address.Is4() {
		return IPv4
	}
	return IPv6
}

// Bits returns the length of an address of the family in bits.
func (f Family) Bits() int { return Pair[int]{32, 128}[f] }

// String returns the name of the family, as in "IPv4".
func (f Family) String() string { return Pair[string]{"IPv4", "IPv6"}[f] }
