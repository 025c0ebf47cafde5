package api

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"
)

// mapped returns the range of IPv6 addresses that represent IPv4 addresses (RFC 4291 2.5.5.2). No host sends to
// them on a wire, and programs disagree about the family of a range that contains them.
func mapped() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff}), 96)
}

// parseCIDR parses a range in CIDR notation of the wanted family, or of any family when want is empty. Host bits
// are an error: 10.2.0.5/24 can mean 10.2.0.0/24 or be a typing error in either number, and the programs that get
// the range disagree about which.
func parseCIDR(s string, want Family) (netip.Prefix, *fault) {
	if err := explainTyping(s); err != nil {
		return netip.Prefix{}, err
	}
	addr, length, found := strings.Cut(s, "/")
	if !found {
		return netip.Prefix{}, explainNoCIDR(s)
	}
	a, err := parseAddr(addr, "")
	if m, unmapped := netip.ParseAddr(addr); unmapped == nil && m.Is4In6() {
		return netip.Prefix{}, faultf("", "is an IPv4 range in IPv6 notation")
	}
	if err != nil {
		return netip.Prefix{}, err
	}
	bits, err := parseLength(length, a)
	if err != nil {
		return netip.Prefix{}, err
	}
	p := netip.PrefixFrom(a, bits)
	switch {
	case want != "" && FamilyOf(a) != want:
		return netip.Prefix{}, faultf("", "is an %s range, but this field takes %s", FamilyOf(a), want)
	case p != p.Masked():
		return netip.Prefix{}, faultf(fmt.Sprintf("write %s, or correct the length", p.Masked()),
			"is not the beginning of a range: bits after the first %d are set", bits)
	case p.Overlaps(mapped()):
		return netip.Prefix{}, faultf("", "has the IPv4 addresses in IPv6 notation, %s, in it", mapped())
	}
	return p, nil
}

// parseLength parses the prefix length of a range that begins at a. It refuses 0, the whole address space, which
// can only be a mistake.
func parseLength(s string, a netip.Addr) (int, *fault) {
	bits, err := strconv.Atoi(s)
	switch {
	case err != nil || strconv.Itoa(bits) != s || bits < 0:
		return 0, faultf("write the length as a number, as in /16", "has no prefix length after the /")
	case bits > a.BitLen():
		return 0, faultf("", "has a prefix length of more than %d", a.BitLen())
	case bits == 0:
		return 0, faultf("", "is the whole %s address space", FamilyOf(a))
	}
	return bits, nil
}

// explainNoCIDR returns the fault of a text without a prefix length: one address, or a range by its two ends, which
// the hint rewrites if it is a prefix.
func explainNoCIDR(s string) *fault {
	if a, err := netip.ParseAddr(s); err == nil {
		return faultf(fmt.Sprintf("add the prefix length: %s/LENGTH", a.WithZone("")), "is one address, but a range is needed here")
	}
	if r, err := netipx.ParseIPRange(s); err == nil {
		hint := "a range here is ADDRESS/LENGTH"
		if p, ok := r.Prefix(); ok {
			hint = "write " + p.String()
		}
		return faultf(hint, "is not in CIDR notation")
	}
	return faultf("a range here is ADDRESS/LENGTH, as in 192.168.0.0/16 or fd12::1:0/112", "is not a range in CIDR notation")
}

// parseRange parses a range of an address pool: CIDR notation, or first-last without spaces. Both ends belong to
// the range.
func parseRange(s string) (netipx.IPRange, *fault) {
	if err := explainTyping(s); err != nil {
		return netipx.IPRange{}, err
	}
	first, last, found := strings.Cut(s, "-")
	if !found {
		if a, err := parseAddr(s, ""); err == nil {
			return netipx.IPRange{}, faultf(fmt.Sprintf("write %s-%s", a, a), "is one address, but a range is needed here")
		}
		p, err := parseCIDR(s, "")
		if err != nil {
			return netipx.IPRange{}, err
		}
		return netipx.RangeOfPrefix(p), nil
	}
	if strings.ContainsAny(s, " \t") {
		return netipx.IPRange{}, faultf("write FIRST-LAST without spaces", "is not a range: there are spaces in it")
	}
	if first == "" || last == "" {
		return netipx.IPRange{}, faultf("", "is not a range: one of its ends is missing")
	}
	from, err := parseAddr(first, "")
	if err != nil {
		return netipx.IPRange{}, wrapEnd("first", err)
	}
	to, err := parseAddr(last, "")
	if err != nil {
		return netipx.IPRange{}, wrapEnd("last", err)
	}
	return orderedRange(from, to)
}

// orderedRange returns the range between two ends of the same family, the lower one first.
func orderedRange(from, to netip.Addr) (netipx.IPRange, *fault) {
	switch {
	case FamilyOf(from) != FamilyOf(to):
		return netipx.IPRange{}, faultf("give each family a range of its own", "begins as %s and ends as %s", FamilyOf(from), FamilyOf(to))
	case to.Less(from):
		return netipx.IPRange{}, faultf(fmt.Sprintf("write %s-%s", to, from), "ends before it begins")
	}
	r := netipx.IPRangeFrom(from, to)
	if r.Overlaps(netipx.RangeOfPrefix(mapped())) {
		return netipx.IPRange{}, faultf("", "has the IPv4 addresses in IPv6 notation, %s, in it", mapped())
	}
	return r, nil
}

// wrapEnd returns a fault of one end as a fault of the whole range.
func wrapEnd(end string, err *fault) *fault {
	return faultf(err.hint, "is not a range: its %s address %s", end, err.reason)
}
