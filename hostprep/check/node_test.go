package check

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

func TestNodeFacts(t *testing.T) {
	t.Parallel()
	s := newScene()
	host := s.first()
	host.Facts.Hostname = "Host-4.Example.COM"
	host.firewalld("yes", true)
	cgroupV1(&host.Facts)
	host.Facts.Container = "podman"
	want := NodeFacts{
		Name: "host-4.example.com", Interface: "eth0", MTU: 1500,
		IPv4: netip.MustParsePrefix("10.2.0.4/24"), IPv6: netip.MustParsePrefix("fd12::2:4/108"),
		OnLink6: netip.MustParsePrefix("fd12::/108"), FirewalldZone: "internal", Container: true, CgroupV1: true,
		Nameservers: []netip.Addr{netip.MustParseAddr("10.2.0.1")},
	}
	host.Facts.Nameservers = append(host.Facts.Nameservers, "no address")
	if diff := cmp.Diff(want, host.NodeFacts(), cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	delete(host.Facts.Firewalld.Zones, "eth0")
	if got := host.NodeFacts().FirewalldZone; got != "public" {
		t.Errorf("an interface that no zone claims is in zone %q, want the default one", got)
	}
	host.unit("firewalld", facts.Unit{})
	if got := host.NodeFacts().FirewalldZone; got != "" {
		t.Errorf("without firewalld, the zone is %q", got)
	}
	host.K8sIP = netip.MustParseAddr("10.9.0.4")
	if got := host.NodeFacts(); got.Interface != "" || got.IPv6.IsValid() {
		t.Errorf("a host without the node's IPv4 address has %+v", got)
	}
}

// TestChooseIPv6 verifies the rule by which the node's IPv6 address is chosen. The order in which the kernel lists the
// addresses does not matter.
func TestChooseIPv6(t *testing.T) {
	t.Parallel()
	dynamic := func(prefix string) facts.Address {
		a := address6(prefix)
		a.Dynamic = true
		return a
	}
	for name, test := range map[string]struct {
		addresses []facts.Address
		override  string
		want      string // empty for none
	}{
		"the only one":                   {[]facts.Address{address6("fd12::2:4/108")}, "", "fd12::2:4/108"},
		"static before dynamic":          {[]facts.Address{dynamic("fd12::1/64"), address6("fd12::2:4/108")}, "", "fd12::2:4/108"},
		"dynamic before none":            {[]facts.Address{dynamic("fd12::1/64")}, "", "fd12::1/64"},
		"with a subnet before one alone": {[]facts.Address{address6("fd12::1/128"), address6("fd12::2:4/108")}, "", "fd12::2:4/108"},
		"static alone before dynamic":    {[]facts.Address{dynamic("fd12::1/64"), address6("fd12::2:4/128")}, "", "fd12::2:4/128"},
		"the lowest":                     {[]facts.Address{address6("fd12::2:5/108"), address6("fd12::2:4/108")}, "", "fd12::2:4/108"},
		"never temporary":                {[]facts.Address{flawed("fd12::1/64", "temporary"), dynamic("fd12::2:4/64")}, "", "fd12::2:4/64"},
		"never tentative":                {[]facts.Address{flawed("fd12::1/64", "tentative")}, "", ""},
		"never deprecated":               {[]facts.Address{flawed("fd12::1/64", "deprecated")}, "", ""},
		"never a duplicate":              {[]facts.Address{flawed("fd12::1/64", "duplicate")}, "", ""},
		"never link-local":               {[]facts.Address{{Prefix: netip.MustParsePrefix("fe80::1/64")}}, "", ""},
		"what the manifests say":         {[]facts.Address{address6("fd12::1/108"), dynamic("fd12::9/64")}, "fd12::9", "fd12::9/64"},
		"not what is not there":          {[]facts.Address{address6("fd12::1/108")}, "fd12::9", ""},
	} {
		for range 2 {
			host := newScene().first()
			host.setIPv6(test.addresses...)
			if test.override != "" {
				host.IPv6 = netip.MustParseAddr(test.override)
			}
			got := ""
			if address, found := host.choose(host.eth0()); found {
				got = address.Prefix.String()
			}
			if got != test.want {
				t.Errorf("%s: %q, want %q", name, got, test.want)
			}
			for i, j := 0, len(test.addresses)-1; i < j; i, j = i+1, j-1 {
				test.addresses[i], test.addresses[j] = test.addresses[j], test.addresses[i]
			}
		}
	}
}

func TestAcceptsRouterAdvertisements(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		accept          string
		dynamic, routes bool
		want            bool
	}{
		"static":                          {"1", false, false, false},
		"SLAAC":                           {"1", true, false, true},
		"routes of a router":              {"2", false, true, true},
		"a program does it":               {"0", true, true, false},
		"an interface that nobody knows":  {"", true, true, false},
		"already allowed for a forwarder": {"2", true, true, true},
	} {
		host := newScene().first()
		host.Facts.Sysctls["net/ipv6/conf/eth0/accept_ra"] = test.accept
		host.eth0().Addresses[1].Dynamic = test.dynamic
		host.Facts.Routes[1].FromRouter = test.routes
		if got := host.NodeFacts().AcceptsRouterAdvertisements; got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
