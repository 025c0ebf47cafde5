package api

import (
	"strings"
	"testing"
)

func TestParseAddr(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want Family
		// got is the address, or a part of the reason.
		got string
		bad bool
	}{
		{text: "10.2.0.4", want: IPv4, got: "10.2.0.4"},
		{text: "10.2.0.4", got: "10.2.0.4"},
		{text: "fd12::2:5", want: IPv6, got: "fd12::2:5"},
		{text: "FD12:0:0:0::2:5", want: IPv6, got: "fd12::2:5"},
		{text: "fd12::2:5", want: IPv4, bad: true, got: "is an IPv6 address"},
		{text: "10.2.0.4", want: IPv6, bad: true, got: "is an IPv4 address"},
		{text: "", bad: true, got: "has no address"},
		{text: "10.2.0", bad: true, got: "it has 3 numbers"},
		{text: "10", bad: true, got: "a single number"},
		{text: "10.2.0.4.5", bad: true, got: "it has 5 numbers"},
		{text: "10.2..4", bad: true, got: "no number between two dots"},
		{text: "10.2.0.", bad: true, got: "no number between two dots or at an end"},
		{text: "10.2.0.256", bad: true, got: "greater than 255"},
		{text: "10.2.0.1000", bad: true, got: "greater than 255"},
		{text: "10.2.0.04", bad: true, got: "leading zero"},
		{text: "10.2.0.4/24", bad: true, got: "is a range"},
		{text: "10.2.0.4-10.2.0.9", bad: true, got: "is a range"},
		{text: "10.2.0.4:22", bad: true, got: "has a port"},
		{text: "[fd12::1]:22", bad: true, got: "has a port"},
		{text: "[fd12::1]", bad: true, got: "has brackets"},
		{text: " 10.2.0.4", bad: true, got: "white space"},
		{text: "10.2.0.4\n", bad: true, got: "white space"},
		{text: "fe80::1%eth0", bad: true, got: "by its zone"},
		{text: "::ffff:10.2.0.4", bad: true, got: "in IPv6 notation"},
		{text: "::ffff:a02:4", want: IPv6, bad: true, got: "but this field takes IPv6"},
		{text: "fd12::1::2", bad: true, got: "only once"},
		{text: "fd12:::2", bad: true, got: "only once"},
		{text: "fd12::12345", bad: true, got: "more than 4 digits"},
		{text: "fd12:1:2:3:4:5:6", bad: true, got: "it has 7 groups"},
		{text: "1:2:3:4:5:6:7:8:9", bad: true, got: "it has 9 groups"},
		{text: "1:2:3:4:5:6:7::8:9", bad: true, got: "is not an IPv6 address"},
		{text: "worker-1", bad: true, got: "is not an IP address"},
		{text: "10.2.0.O", bad: true, got: "is not an IP address"},
	} {
		got, err := parseAddr(tc.text, tc.want)
		parsed{tc.text, got.String(), err}.check(t, tc.got, tc.bad)
	}
}

// parsed is what became of a text.
type parsed struct {
	text, got string
	err       *fault
}

// check compares a parsed value or, for a bad text, the reason.
func (p parsed) check(t *testing.T, want string, bad bool) {
	t.Helper()
	text, got, err := p.text, p.got, p.err
	switch {
	case bad && err == nil:
		t.Errorf("%q is accepted as %s", text, got)
	case bad && !strings.Contains(err.reason, want):
		t.Errorf("%q: reason %q does not contain %q", text, err.reason, want)
	case !bad && err != nil:
		t.Errorf("%q is refused: %s", text, err.reason)
	case !bad && got != want:
		t.Errorf("%q is read as %s, want %s", text, got, want)
	}
}

func TestParseCIDR(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want Family
		got  string
		bad  bool
	}{
		{text: "192.168.0.0/16", want: IPv4, got: "192.168.0.0/16"},
		{text: "fd12::1:0/112", want: IPv6, got: "fd12::1:0/112"},
		{text: "10.2.0.4/32", got: "10.2.0.4/32"},
		{text: "fd12::1:0/112", want: IPv4, bad: true, got: "is an IPv6 range"},
		{text: "192.168.0.0/16", want: IPv6, bad: true, got: "is an IPv4 range"},
		{text: "192.168.0.1/16", bad: true, got: "bits after the first 16 are set"},
		{text: "192.168.0.0/33", bad: true, got: "more than 32"},
		{text: "fd12::/129", bad: true, got: "more than 128"},
		{text: "0.0.0.0/0", bad: true, got: "the whole IPv4 address space"},
		{text: "::/0", bad: true, got: "the whole IPv6 address space"},
		{text: "192.168.0.0", bad: true, got: "is one address"},
		{text: "192.168.0.0/", bad: true, got: "no prefix length"},
		{text: "192.168.0.0/16,fd12::1:0/112", bad: true, got: "holds more than one value"},
		{text: "192.168.0.0/016", bad: true, got: "no prefix length"},
		{text: "192.168.0.0/+16", bad: true, got: "no prefix length"},
		{text: "192.168.0.0/-1", bad: true, got: "no prefix length"},
		{text: "192.168.0.0/16/16", bad: true, got: "no prefix length"},
		{text: "192.168.0.0/99999999999999999999", bad: true, got: "no prefix length"},
		{text: "/16", bad: true, got: "has no address"},
		{text: "192.168.0.0-192.168.255.255", bad: true, got: "not in CIDR notation"},
		{text: "::ffff:10.0.0.0/104", bad: true, got: "in IPv6 notation"},
		{text: "::/80", bad: true, got: "::ffff:0.0.0.0/96, in it"},
		{text: "::1:0:0/96", got: "::1:0:0/96"},
		{text: "fe80::%eth0/64", bad: true, got: "zone"},
		{text: "", bad: true, got: "not a range"},
	} {
		got, err := parseCIDR(tc.text, tc.want)
		parsed{tc.text, got.String(), err}.check(t, tc.got, tc.bad)
	}
}

func TestParseRange(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text, got string
		bad       bool
	}{
		{text: "10.2.0.212-10.2.0.221", got: "10.2.0.212-10.2.0.221"},
		{text: "10.2.0.212-10.2.0.212", got: "10.2.0.212-10.2.0.212"},
		{text: "fd12::4:101-fd12::4:110", got: "fd12::4:101-fd12::4:110"},
		{text: "10.2.0.208/28", got: "10.2.0.208-10.2.0.223"},
		{text: "fd12::4:100/120", got: "fd12::4:100-fd12::4:1ff"},
		{text: "10.2.0.212", bad: true, got: "is one address"},
		{text: "10.2.0.212\u201310.2.0.221", bad: true, got: "only looks like -"},
		{text: "10.2.0.212-10.2.0.221, fd12::1-fd12::2", bad: true, got: "holds more than one value"},
		{text: "\u201c10.2.0.208/28\u201d", bad: true, got: "typographic quotes"},
		{text: "10.2.0.221-10.2.0.212", bad: true, got: "ends before it begins"},
		{text: "10.2.0.212-fd12::1", bad: true, got: "begins as IPv4 and ends as IPv6"},
		{text: "10.2.0.212 - 10.2.0.221", bad: true, got: "spaces"},
		{text: "10.2.0.212-", bad: true, got: "one of its ends is missing"},
		{text: "-10.2.0.212", bad: true, got: "one of its ends is missing"},
		{text: "-", bad: true, got: "one of its ends is missing"},
		{text: "10.2.0.212-221", bad: true, got: "its last address"},
		{text: "10.2.0-10.2.0.221", bad: true, got: "its first address"},
		{text: "10.2.0.212-10.2.0.221-10.2.0.230", bad: true, got: "its last address"},
		{text: "10.2.0.212/28", bad: true, got: "bits after the first 28"},
		{text: "::/80", bad: true, got: "::ffff:0.0.0.0/96, in it"},
		{text: "::1-::1:0:0:0", bad: true, got: "::ffff:0.0.0.0/96, in it"},
		{text: "::1-::fffe:ffff:ffff", got: "::1-::fffe:ffff:ffff"},
		{text: "", bad: true, got: "not a range"},
	} {
		got, err := parseRange(tc.text)
		parsed{tc.text, got.String(), err}.check(t, tc.got, tc.bad)
	}
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text, got string
		bad       bool
		release   string
	}{
		{text: "1.36", got: "1.36", release: "v1.36.3"},
		{text: "v1.37", got: "1.37", release: "v1.37.2"},
		{text: "1.36.3", got: "1.36.3", release: "v1.36.3"},
		{text: "v1.36.3", got: "1.36.3", release: "v1.36.3"},
		{text: "1.36.100-gke.7", got: "1.36.100", release: "v1.36.3"},
		{text: "1.14.2", got: "1.14.2"},
		{text: "1", bad: true, got: "is not a version"},
		{text: "2.36", bad: true, got: "is not a version"},
		{text: "1.036", bad: true, got: "is not a version"},
		{text: "1.36.03", bad: true, got: "is not a version"},
		{text: "1.36.3-rc.1", bad: true, got: "is not a version"},
		{text: "1.36-gke.7", bad: true, got: "is not a version"},
		{text: "1.36.3.4", bad: true, got: "is not a version"},
		{text: "1.36 ", bad: true, got: "is not a version"},
		{text: "", bad: true, got: "is not a version"},
	} {
		v, err := parseVersion(tc.text)
		parsed{tc.text, v.String(), err}.check(t, tc.got, tc.bad)
		if r, _ := v.release(); r.Kubernetes != tc.release {
			t.Errorf("%q: release %q, want %q", tc.text, r.Kubernetes, tc.release)
		}
	}
}

func TestEcho(t *testing.T) {
	t.Parallel()
	const hidden = "the value"
	for text, want := range map[string]string{
		"10.2.0.300":                          `"10.2.0.300"`,
		"worker-2.example.com":                `"worker-2.example.com"`,
		"fd12::10000:0/112":                   `"fd12::10000:0/112"`,
		"hunter2":                             hidden,
		"correcthorsebatterystaple":           hidden,
		"user:pa55w0rd!":                      hidden,
		"AAAAB3NzaC1yc2EAAAADAQ:ABAAABgQC7":   hidden,
		"-----BEGIN OPENSSH PRIVATE KEY-----": hidden,
		"10.2.0.4\n10.2.0.5":                  hidden,
		strings.Repeat("10.2.", 20):           hidden,
		"":                                    hidden,
	} {
		if got := echo(text); got != want {
			t.Errorf("echo(%q) = %s, want %s", text, got, want)
		}
	}
}
