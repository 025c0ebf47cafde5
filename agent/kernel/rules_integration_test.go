//go:build integration

package kernel_test

import (
	"net/netip"
	"strings"
	"testing"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
)

func ranges(words string) []netipx.IPRange {
	var parsed []netipx.IPRange
	for _, word := range strings.Fields(words) {
		parsed = append(parsed, netipx.MustParseIPRange(word))
	}
	return parsed
}

// both returns rules with every part.
func both() kernel.Rules {
	return kernel.Rules{
		NAT: &kernel.NAT{
			Cluster: ranges("10.2.0.5-10.2.0.6 172.20.0.0-172.20.1.255 192.168.1.0-192.168.2.255"),
			Local:   ranges("192.168.1.0-192.168.1.255"), Uplink: "eth0",
		},
		Guard: &kernel.Guard{
			HostLinks: []string{"br-lan.7", "eth0"},
			PodRanges: family.Pair[[]netipx.IPRange]{ranges("192.168.0.0-192.168.255.255"), ranges("fd12::1:0-fd12::1:ffff")},
			OtherNodes: family.Pair[[]netipx.IPRange]{
				ranges("192.168.2.0-192.168.3.255"), ranges("fd12::1:200-fd12::1:2ff fd12::1:400-fd12::1:4ff"),
			},
		},
	}
}

// TestIntegrationRulesAreRead checks that rules are read as they were written, with both parts, one and none.
func TestIntegrationRulesAreRead(t *testing.T) {
	t.Parallel()
	scattered := kernel.NAT{Local: ranges("192.168.1.0-192.168.1.255"), Uplink: "eth0"}
	for i := range 10_000 { // twice as many as 5,000 nodes can need
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0})
		scattered.Cluster = append(scattered.Cluster, netipx.IPRangeFrom(addr, addr))
	}
	tests := map[string]kernel.Rules{
		"two pools": both(),
		"from the first address to the last": {
			NAT: &kernel.NAT{
				Cluster: ranges("0.0.0.0-0.0.0.255 255.255.255.255-255.255.255.255"),
				Local:   ranges("255.255.255.0-255.255.255.255"), Uplink: "bond0.100",
			},
			Guard: &kernel.Guard{PodRanges: family.Pair[[]netipx.IPRange]{
				ranges("255.255.255.255-255.255.255.255"), ranges("::-::ff ffff::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
			}},
		},
		"the longest names": {
			NAT:   &kernel.NAT{Cluster: ranges("10.0.0.0-10.0.0.0"), Local: ranges("10.0.0.0-10.0.0.0"), Uplink: "123456789012345"},
			Guard: &kernel.Guard{HostLinks: []string{"123456789012345"}},
		},
		"ten thousand ranges": {NAT: &scattered, Guard: both().Guard},
		"a guard alone":       {Guard: both().Guard},
		"a translation alone": {NAT: both().NAT},
		"a guard of nothing":  {Guard: &kernel.Guard{}},
	}
	inside(t, func(host *nettest.Namespace, _ *kernel.Kernel, _ int) {
		for name, want := range tests {
			must(t, kernel.WriteRules(want, nil))
			if want.Guard != nil { // elements that rules add do not count as a change
				host.Run("nft", `add element inet dualstrap sources6 { "lo" . ::1 }`)
			}
			got, err := kernel.ReadRules()
			if err != nil || !got.Exists || got.Rules == nil || !got.Rules.Equal(want) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		must(t, kernel.WriteRules(kernel.Rules{}, nil))
		if got, err := kernel.ReadRules(); got.Exists || err != nil {
			t.Errorf("without rules, there is %+v, %v", got, err)
		}
	})
}

// TestIntegrationRulesNoticeChanges checks that changes by other programs are noticed and corrected.
func TestIntegrationRulesNoticeChanges(t *testing.T) {
	t.Parallel()
	inside(t, func(host *nettest.Namespace, _ *kernel.Kernel, _ int) {
		host.Run("nft", "add table inet other; add chain inet other c; add rule inet other c counter")
		for _, change := range []string{
			"flush table inet dualstrap",
			"add rule inet dualstrap postrouting counter",
			"insert rule inet dualstrap postrouting ip saddr 192.168.1.7 accept",
			"insert rule inet dualstrap prerouting accept",
			"insert rule inet dualstrap from_pods ip saddr 192.168.1.7 accept",
			"add rule inet dualstrap input accept",
			"flush chain inet dualstrap from_pods",
			"flush chain inet dualstrap from_pods_to_node",
			"flush chain inet dualstrap input; delete chain inet dualstrap input",
			"add chain inet dualstrap more",
			"add set inet dualstrap more { type ipv4_addr; }",
			"add element inet dualstrap cluster4 { 203.0.113.0/24 }",
			"delete element inet dualstrap cluster4 { 172.20.0.0/23 }",
			"add element inet dualstrap host_links { veth1 }",
			"delete element inet dualstrap host_links { eth0 }",
			"add element inet dualstrap other_nodes6 { fd12::1:f000/120 }",
			"delete element inet dualstrap other_nodes4 { 192.168.2.0-192.168.3.255 }",
			"flush set inet dualstrap pod_ranges6",
			"delete table inet dualstrap",
			"delete table inet dualstrap; add table inet dualstrap",
		} {
			want := both()
			must(t, kernel.WriteRules(want, nil))
			host.Run("nft", change)
			if got, err := kernel.ReadRules(); err != nil || got.Rules != nil && got.Rules.Equal(want) {
				t.Errorf("after %s: %+v, %v", change, got, err)
			}
			must(t, kernel.WriteRules(want, nil))
			if got, err := kernel.ReadRules(); err != nil || got.Rules == nil || !got.Rules.Equal(want) {
				t.Errorf("after %s and repair: %+v, %v", change, got, err)
			}
		}
		must(t, kernel.WriteRules(kernel.Rules{}, nil))
		must(t, kernel.WriteRules(kernel.Rules{}, nil)) // missing already
		if tables := host.Run("nft", "list", "tables"); strings.TrimSpace(tables) != "table inet other" {
			t.Errorf("tables are %q", tables)
		}
	})
}
