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
		got  string
	}{
		{text: "10.2.0.4", want: IPv4, got: "10.2.0.4"},
		{text: "10.2.0.4", got: "10.2.0.4"},
		{text: "fd12::2:5", want: IPv6, got: "fd12::2:5"},
		{text: "FD12:0:0:0::2:5", want: IPv6, got: "fd12::2:5"},
	} {
		got, err := parseAddr(tc.text, tc.want)
		isRead(t, tc.text, got.String(), tc.got, err)
	}
}

// isRead fails the test unless a text was parsed to the wanted value.
func isRead(t *testing.T, text, got, want string, err *fault) {
	t.Helper()
	switch {
	case err != nil:
		t.Errorf("%q is refused: %s", text, err.reason)
	case got != want:
		t.Errorf("%q is read as %s, want %s", text, got, want)
	}
}

func TestParseCIDR(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		want Family
		got  string
	}{
		{text: "192.168.0.0/16", want: IPv4, got: "192.168.0.0/16"},
		{text: "fd12::1:0/112", want: IPv6, got: "fd12::1:0/112"},
		{text: "10.2.0.4/32", got: "10.2.0.4/32"},
		{text: "::1:0:0/96", got: "::1:0:0/96"},
	} {
		got, err := parseCIDR(tc.text, tc.want)
		isRead(t, tc.text, got.String(), tc.got, err)
	}
}

func TestParseRange(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text, got string
	}{
		{text: "10.2.0.212-10.2.0.221", got: "10.2.0.212-10.2.0.221"},
		{text: "10.2.0.212-10.2.0.212", got: "10.2.0.212-10.2.0.212"},
		{text: "fd12::4:101-fd12::4:110", got: "fd12::4:101-fd12::4:110"},
		{text: "10.2.0.208/28", got: "10.2.0.208-10.2.0.223"},
		{text: "fd12::4:100/120", got: "fd12::4:100-fd12::4:1ff"},
		{text: "::1-::fffe:ffff:ffff", got: "::1-::fffe:ffff:ffff"},
	} {
		got, err := parseRange(tc.text)
		isRead(t, tc.text, got.String(), tc.got, err)
	}
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text, got, release string
	}{
		{text: "1.36", got: "1.36", release: "v1.36.3"},
		{text: "v1.37", got: "1.37", release: "v1.37.2"},
		{text: "1.36.3", got: "1.36.3", release: "v1.36.3"},
		{text: "v1.36.3", got: "1.36.3", release: "v1.36.3"},
		{text: "1.36.100-gke.7", got: "1.36.100", release: "v1.36.3"},
		{text: "1.14.2", got: "1.14.2"},
	} {
		v, err := parseVersion(tc.text)
		isRead(t, tc.text, v.String(), tc.got, err)
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
