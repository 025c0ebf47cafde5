package api

import (
	"net/netip"
	"strings"
	"testing"
)

// addressSeeds are texts that resemble an address, a range or a version.
func addressSeeds(f *testing.F) {
	f.Helper()
	for _, s := range []string{
		"", "10.2.0.4", "010.2.0.4", "10.2.0.256", "10.2.0", "fd12::2:5", "fd12::1::2", "::ffff:10.2.0.4", "fe80::1%eth0", "[fd12::1]:22",
		"192.168.0.0/16", "192.168.0.1/16", "fd12::1:0/112", "0.0.0.0/0", "10.0.0.0/255.0.0.0", "/16", "::/128", "0000::0%000000000",
		"10.2.0.212-10.2.0.221", "10.2.0.221-10.2.0.212", "10.2.0.212 - 10.2.0.221", "10.2.0.1-fd12::1", "-", "fd12::4:101-fd12::4:110",
		"1.36", "v1.36.3", "1.36.100-gke.7", "1.36.3-rc.1", "\x00", "10.2.0.4\n", "１０.2.0.4",
	} {
		f.Add(s)
	}
}

// checkReason checks that every refusal has a reason and repeats the text only when it is harmless.
func checkReason(t *testing.T, text string, err *fault) {
	t.Helper()
	if err.reason == "" {
		t.Errorf("%q is refused without a reason", text)
	}
	if echo(text) == "the value" && len(text) > 16 && strings.Contains(err.reason+err.hint, text) {
		t.Errorf("%q is repeated: %s; %s", text, err.reason, err.hint)
	}
}

func FuzzParseAddr(f *testing.F) {
	addressSeeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAddr(s, "")
		if err != nil {
			checkReason(t, s, err)
			return
		}
		if a != netip.MustParseAddr(s) || a.Zone() != "" || a.Is4In6() {
			t.Errorf("%q is read as %s", s, a)
		}
		if again, err := parseAddr(a.String(), FamilyOf(a)); err != nil || again != a {
			t.Errorf("%q: %s is read as %s, %v", s, a, again, err)
		}
	})
}

func FuzzParseCIDR(f *testing.F) {
	addressSeeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseCIDR(s, "")
		if err != nil {
			checkReason(t, s, err)
			return
		}
		if p != netip.MustParsePrefix(s) || p != p.Masked() || p.Bits() < 1 {
			t.Errorf("%q is read as %s", s, p)
		}
		if again, err := parseCIDR(p.String(), FamilyOf(p.Addr())); err != nil || again != p {
			t.Errorf("%q: %s is read as %s, %v", s, p, again, err)
		}
	})
}

func FuzzParseRange(f *testing.F) {
	addressSeeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseRange(s)
		if err != nil {
			checkReason(t, s, err)
			return
		}
		if !r.IsValid() {
			t.Fatalf("%q is read as no range", s)
		}
		if again, err := parseRange(r.String()); err != nil || again != r {
			t.Errorf("%q: %s is read as %s, %v", s, r, again, err)
		}
		if short := formatRange(r); r.From() != r.To() {
			if again, err := parseRange(short); err != nil || again != r {
				t.Errorf("%q: %s is read as %s, %v", s, short, again, err)
			}
		}
	})
}

func FuzzParseVersion(f *testing.F) {
	addressSeeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		v, err := parseVersion(s)
		if err != nil {
			checkReason(t, s, err)
			return
		}
		again, err := parseVersion(v.String())
		if err != nil || again.minor != v.minor || again.patch != v.patch {
			t.Errorf("%q: %s is read as %s", s, v, again)
		}
	})
}

// Accepted texts become arguments and configuration of programs.
func FuzzHostWords(f *testing.F) {
	for _, s := range []string{
		"jump.example.com", "admin@jump:22", "[2001:db8::1]:2222", "-oProxyCommand=x", "a b", "admin:pw@jump", "eth0", "bond0.100", "eth0;reboot",
		"docker.io", "https://registry.example.com:5000/v2/a", "https://a:b@c", "*.example.com", "10.2.0.256",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if wrong, _ := endpointProblem(s); wrong != "" && s != "" && strings.Contains(wrong, s) && len(s) > 16 {
			t.Errorf("%q is repeated: %s", s, wrong)
		}
		if !isUser(s) && !isProxyJump(s) && !isHostPort(s) && !isSAN(s) && !isInterface(s) {
			return
		}
		if strings.HasPrefix(s, "-") || strings.ContainsAny(s, " \t\r\n\"'`$;&|<>\\(){}\x00") {
			t.Errorf("%q is accepted", s)
		}
	})
}
