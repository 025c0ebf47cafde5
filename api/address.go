package api

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"
)

// fault describes why a text does not have the form of its field. It never contains the text itself, which may be
// something pasted by mistake; see [echo].
type fault struct {
	// reason is a predicate. The text precedes it in the message.
	reason string
	hint   string
}

// faultf returns a fault. The hint is empty where the reason already tells what to do.
func faultf(hint, format string, args ...any) *fault {
	return &fault{reason: fmt.Sprintf(format, args...), hint: hint}
}

// echo returns a text that could not be parsed in a form for messages. It repeats only what looks like a mistyped
// address, range or host name. Anything else may be a password or a key that was pasted into the wrong field, and
// messages end up in logs and tickets.
func echo(s string) string {
	if len(s) <= 64 && strings.ContainsAny(s, ".:") && longestWord(s) <= 15 {
		return strconv.Quote(s)
	}
	return "the value"
}

// longestWord returns the length of the longest run of letters and digits. It returns a large number when s
// contains anything but letters, digits and the punctuation of addresses.
func longestWord(s string) int {
	longest, run := 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			run++
			longest = max(longest, run)
		case strings.ContainsRune(":./_-", r):
			run = 0
		default:
			return len(s) + 64
		}
	}
	return longest
}

// parseAddr parses an address of the wanted family, or of any family when want is empty. It is stricter than netip:
// it accepts no zone and no IPv4-mapped IPv6 address, because neither passes through kubeadm, the kubelet and the
// kernel unchanged.
func parseAddr(s string, want Family) (netip.Addr, *fault) {
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return netip.Addr{}, explainAddr(s)
	case a.Zone() != "":
		return netip.Addr{}, faultf("leave out the % and what follows it", "is bound to one interface of one host by its zone")
	case a.Is4In6() && want == IPv6:
		return netip.Addr{}, faultf("", "is an IPv4 address in IPv6 notation, but this field takes IPv6")
	case a.Is4In6():
		return netip.Addr{}, faultf("write "+a.Unmap().String(), "is an IPv4 address in IPv6 notation")
	case want != "" && FamilyOf(a) != want:
		return netip.Addr{}, faultf("", "is an %s address, but this field takes %s", FamilyOf(a), want)
	}
	return a, nil
}

// explainAddr returns the fault of a text that is not an address. It recognizes common mistakes from the most
// specific one to the most general one.
func explainAddr(s string) *fault {
	const one = "is a range, but one address is needed here"
	if _, err := netip.ParsePrefix(s); err == nil {
		return faultf("leave out the / and what follows it", one)
	}
	if _, err := netipx.ParseIPRange(s); err == nil {
		return faultf("", one)
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return faultf("write "+ap.Addr().String(), "has a port, but only an address belongs here")
	}
	if err := explainTyping(s); err != nil {
		return err
	}
	switch {
	case s == "":
		return faultf("", "has no address where one belongs")
	case strings.ContainsAny(s, " \t\r\n"):
		return faultf("write the address without spaces or line breaks", "is not an IP address: it contains white space")
	case strings.HasPrefix(s, "["):
		return faultf("write the address without brackets", "is not an IP address: it has brackets")
	case strings.Trim(s, "0123456789.") == "":
		return explainIPv4(s)
	case strings.Trim(s, "0123456789abcdefABCDEF:.") == "" && strings.Contains(s, ":"):
		return explainIPv6(s)
	}
	return faultf("write an address; names are not looked up, so that every run means the same hosts", "is not an IP address")
}

// explainTyping returns a fault for characters that word processors and habits put into addresses and ranges, or
// nil.
func explainTyping(s string) *fault {
	switch {
	case strings.ContainsAny(s, "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb`\u00b4"):
		return faultf(`type plain quotes, as in "10.2.0.4", or none`, "has typographic quotes in it, which YAML takes for part of the text")
	case strings.ContainsAny(s, "\u2010\u2011\u2012\u2013\u2014\u2212"):
		return faultf("type the - of the keyboard, without spaces", "has a dash in it that only looks like -")
	case strings.ContainsAny(s, ",;"):
		return faultf("write one; in a list each is an item of its own", "holds more than one value, joined by a comma or semicolon")
	}
	return nil
}

// explainIPv4 returns the fault of a text of digits and dots. The leading zero is the most dangerous one: Go
// refuses it, while older C libraries read 010 as 8.
func explainIPv4(s string) *fault {
	octets := strings.Split(s, ".")
	if len(octets) == 1 {
		return faultf("", "is not an IP address but a single number")
	}
	if len(octets) != 4 {
		return faultf("", "is not an IPv4 address: it has %d numbers, not 4", len(octets))
	}
	for _, o := range octets {
		switch {
		case o == "":
			return faultf("", "is not an IPv4 address: there is no number between two dots or at an end")
		case len(o) > 3 || len(o) == 3 && o > "255":
			return faultf("", "is not an IPv4 address: one of its numbers is greater than 255")
		case len(o) > 1 && o[0] == '0':
			return faultf("write the numbers without leading zeros", "has a number with a leading zero, which some programs read as octal")
		}
	}
	return faultf("", "is not an IPv4 address")
}

// explainIPv6 returns the fault of a text of hexadecimal digits and colons. Mistakes other than in the groups are
// rare and get a general reason.
func explainIPv6(s string) *fault {
	if strings.Count(s, "::") > 1 || strings.Contains(s, ":::") {
		return faultf("", "is not an IPv6 address: :: may stand in it only once")
	}
	for group := range strings.SplitSeq(s, ":") {
		if len(group) > 4 && !strings.Contains(group, ".") {
			return faultf("", "is not an IPv6 address: a group has more than 4 digits")
		}
	}
	if !strings.Contains(s, "::") && strings.Count(s, ":") != 7 {
		return faultf("put :: where zeros were left out", "is not an IPv6 address: it has %d groups, not 8", strings.Count(s, ":")+1)
	}
	return faultf("", "is not an IPv6 address")
}
