package planview

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

// outermost makes regions of ranges "CIDR MASK" and of blocks, each of a node of its own.
func outermost(tb testing.TB, ranges, blocks []string) []region {
	tb.Helper()
	var pr []*api.PlanRange
	for i, r := range ranges {
		var cidr string
		var bits int
		if _, err := fmt.Sscan(r, &cidr, &bits); err != nil {
			tb.Fatal(err)
		}
		pr = append(pr, &api.PlanRange{
			ClusterCIDRConfig: fmt.Sprintf("c%d", i), CIDR: netip.MustParsePrefix(cidr), PerNodeMaskSize: bits,
		})
	}
	var nodes []*node
	for i, b := range blocks {
		nodes = append(nodes, &node{number: i + 1, plan: &api.PlanNode{PodCIDRs: []netip.Prefix{netip.MustParsePrefix(b)}}})
	}
	return sorted(pr, nodes, api.FamilyOf(netip.MustParsePrefix(blocks[0]).Addr())).parts()
}

// outline writes a region and those in it in one line each, indented by depth.
func outline(r region, depth int) string {
	var out, inside strings.Builder
	fmt.Fprintf(&out, "%s%s", strings.Repeat("  ", depth), r[0].Prefix)
	claims, _ := r.claims()
	for _, c := range claims {
		fmt.Fprintf(&out, " %s", c.claim.ClusterCIDRConfig)
	}
	for _, s := range r.stretches(func(prefix, prefix) bool { return true }) {
		switch {
		case s.inside != nil:
			fmt.Fprintf(&out, " <>")
			inside.WriteString(outline(s.inside, depth+1))
		case s.blocks != nil:
			fmt.Fprintf(&out, " [%d from %s]", len(s.blocks), s.blocks[0])
		default:
			fmt.Fprintf(&out, " %s: %s", s.IPRange, s.free)
		}
	}
	return out.String() + "\n" + inside.String()
}

func TestRegions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ ranges, blocks, want []string }{
		"one range": {
			[]string{"192.168.0.0/16 24"},
			[]string{"192.168.0.0/24", "192.168.1.0/24"},
			[]string{"192.168.0.0/16 c0 [2 from 192.168.0.0/24] 192.168.2.0-192.168.255.255: 254 free"},
		},
		"a range in a range, in any order": {
			[]string{"192.168.1.0/24 24", "192.168.0.0/16 24"},
			[]string{"192.168.1.0/24", "192.168.0.0/24"},
			[]string{
				"192.168.0.0/16 c1 [1 from 192.168.0.0/24] <> 192.168.2.0-192.168.255.255: 254 free",
				"  192.168.1.0/24 c0 [1 from 192.168.1.0/24]",
			},
		},
		"two configs, one range": {
			[]string{"fd12::1:0/112 120", "fd12::1:0/112 121"},
			[]string{"fd12::1:100/120"},
			[]string{"fd12::1:0/112 c0 c1 fd12::1:0-fd12::1:ff: free [1 from fd12::1:100/120] fd12::1:200-fd12::1:ffff: free"},
		},
		"a block around a range": {
			[]string{"10.0.0.0/8 16", "10.1.2.0/24 26"},
			[]string{"10.1.0.0/16"},
			[]string{
				"10.0.0.0/8 c0 10.0.0.0-10.0.255.255: 1 free [1 from 10.1.0.0/16] 10.2.0.0-10.255.255.255: 254 free",
			},
		},
		"up to the highest address": {
			[]string{"0.0.0.0/0 1"},
			[]string{"128.0.0.0/1"},
			[]string{"0.0.0.0/0 c0 0.0.0.0-127.255.255.255: 1 free [1 from 128.0.0.0/1]"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			regions := outermost(t, tt.ranges, tt.blocks)
			if len(regions) != 1 {
				t.Fatalf("%d regions, want 1", len(regions))
			}
			if diff := cmp.Diff(strings.Join(tt.want, "\n")+"\n", outline(regions[0], 0)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
