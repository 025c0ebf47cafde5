package api

import (
	"strings"
	"testing"
)

// hostileText is a text and a part of the reason for its refusal.
type hostileText struct {
	text string
	want Family
	got  string
}

// hostileAddresses returns texts that are not an address.
func hostileAddresses() []hostileText {
	return []hostileText{
		{text: "fd12::2:5", want: IPv4, got: "is an IPv6 address"},
		{text: "10.2.0.4", want: IPv6, got: "is an IPv4 address"},
		{text: "", got: "has no address"},
		{text: "10.2.0", got: "it has 3 numbers"},
		{text: "10", got: "a single number"},
		{text: "10.2.0.4.5", got: "it has 5 numbers"},
		{text: "10.2..4", got: "no number between two dots"},
		{text: "10.2.0.", got: "no number between two dots or at an end"},
		{text: "10.2.0.256", got: "greater than 255"},
		{text: "10.2.0.1000", got: "greater than 255"},
		{text: "10.2.0.04", got: "leading zero"},
		{text: "012.2.0.4", got: "leading zero"},
		{text: "0x0a.2.0.4", got: "is not an IP address"},
		{text: "10.2.0.-4", got: "is not an IP address"},
		{text: "10.2.0.4/24", got: "is a range"},
		{text: "10.2.0.4-10.2.0.9", got: "is a range"},
		{text: "10.2.0.4:22", got: "has a port"},
		{text: "[fd12::1]:22", got: "has a port"},
		{text: "[fd12::1]", got: "has brackets"},
		{text: " 10.2.0.4", got: "white space"},
		{text: "10.2.0.4\n", got: "white space"},
		{text: "fe80::1%eth0", got: "by its zone"},
		{text: "::ffff:10.2.0.4", got: "in IPv6 notation"},
		{text: "::ffff:a02:4", want: IPv6, got: "but this field takes IPv6"},
		{text: "fd12::1::2", got: "only once"},
		{text: "fd12:::2", got: "only once"},
		{text: "fd12::12345", got: "more than 4 digits"},
		{text: "fd12:1:2:3:4:5:6", got: "it has 7 groups"},
		{text: "1:2:3:4:5:6:7:8:9", got: "it has 9 groups"},
		{text: "1:2:3:4:5:6:7::8:9", got: "is not an IPv6 address"},
		{text: "worker-1", got: "is not an IP address"},
		{text: "10.2.0.O", got: "is not an IP address"},
	}
}

// hostileCIDRs returns texts that are not a range in CIDR notation.
func hostileCIDRs() []hostileText {
	return []hostileText{
		{text: "fd12::1:0/112", want: IPv4, got: "is an IPv6 range"},
		{text: "192.168.0.0/16", want: IPv6, got: "is an IPv4 range"},
		{text: "192.168.0.1/16", got: "bits after the first 16 are set"},
		{text: "192.168.0.0/33", got: "more than 32"},
		{text: "fd12::/129", got: "more than 128"},
		{text: "0.0.0.0/0", got: "the whole IPv4 address space"},
		{text: "::/0", got: "the whole IPv6 address space"},
		{text: "192.168.0.0", got: "is one address"},
		{text: "192.168.0.0/", got: "no prefix length"},
		{text: "192.168.0.0/16,fd12::1:0/112", got: "holds more than one value"},
		{text: "192.168.0.0/016", got: "no prefix length"},
		{text: "192.168.0.0/+16", got: "no prefix length"},
		{text: "192.168.0.0/-1", got: "no prefix length"},
		{text: "192.168.0.0/16/16", got: "no prefix length"},
		{text: "192.168.0.0/99999999999999999999", got: "no prefix length"},
		{text: "/16", got: "has no address"},
		{text: "192.168.0.0-192.168.255.255", got: "not in CIDR notation"},
		{text: "::ffff:10.0.0.0/104", got: "in IPv6 notation"},
		{text: "::/80", got: "::ffff:0.0.0.0/96, in it"},
		{text: "fe80::%eth0/64", got: "zone"},
		{text: "", got: "not a range"},
	}
}

// hostileRanges returns texts that are not a range.
func hostileRanges() []hostileText {
	return []hostileText{
		{text: "10.2.0.212", got: "is one address"},
		{text: "10.2.0.212\u201310.2.0.221", got: "only looks like -"},
		{text: "10.2.0.212-10.2.0.221, fd12::1-fd12::2", got: "holds more than one value"},
		{text: "\u201c10.2.0.208/28\u201d", got: "typographic quotes"},
		{text: "10.2.0.221-10.2.0.212", got: "ends before it begins"},
		{text: "10.2.0.212-fd12::1", got: "begins as IPv4 and ends as IPv6"},
		{text: "10.2.0.212 - 10.2.0.221", got: "spaces"},
		{text: "10.2.0.212-", got: "one of its ends is missing"},
		{text: "-10.2.0.212", got: "one of its ends is missing"},
		{text: "-", got: "one of its ends is missing"},
		{text: "10.2.0.212-221", got: "its last address"},
		{text: "10.2.0-10.2.0.221", got: "its first address"},
		{text: "10.2.0.212-10.2.0.221-10.2.0.230", got: "its last address"},
		{text: "10.2.0.212/28", got: "bits after the first 28"},
		{text: "::/80", got: "::ffff:0.0.0.0/96, in it"},
		{text: "::1-::1:0:0:0", got: "::ffff:0.0.0.0/96, in it"},
		{text: "", got: "not a range"},
	}
}

// hostileVersions returns texts that are not a version.
func hostileVersions() []hostileText {
	return []hostileText{
		{text: "1", got: "is not a version"},
		{text: "2.36", got: "is not a version"},
		{text: "1.036", got: "is not a version"},
		{text: "1.36.03", got: "is not a version"},
		{text: "1.36.3-rc.1", got: "is not a version"},
		{text: "1.36-gke.7", got: "is not a version"},
		{text: "1.36.3.4", got: "is not a version"},
		{text: "1.36 ", got: "is not a version"},
		{text: "", got: "is not a version"},
	}
}

// TestHostileAddresses tries texts that are not an address, range or version, or not one that an author can mean.
func TestHostileAddresses(t *testing.T) {
	t.Parallel()
	for kind, test := range map[string]struct {
		texts []hostileText
		parse func(string, Family) *fault
	}{
		"address": {hostileAddresses(), func(text string, want Family) *fault { _, err := parseAddr(text, want); return err }},
		"CIDR":    {hostileCIDRs(), func(text string, want Family) *fault { _, err := parseCIDR(text, want); return err }},
		"range":   {hostileRanges(), func(text string, _ Family) *fault { _, err := parseRange(text); return err }},
		"version": {hostileVersions(), func(text string, _ Family) *fault { _, err := parseVersion(text); return err }},
	} {
		for _, row := range test.texts {
			t.Run(kind+" "+row.text, func(t *testing.T) {
				t.Parallel()
				if err := test.parse(row.text, row.want); err == nil || !strings.Contains(err.reason, row.got) {
					t.Errorf("%q: the reason is %v, want %q", row.text, err, row.got)
				}
			})
		}
	}
}
