package planview

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

// tree makes regions of ranges "CIDR MASK" and of blocks, each of a node of its own.
func tree(tb testing.TB, ranges, blocks []string) []*region {
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
		cidr := netip.MustParsePrefix(b)
		nodes = append(nodes, &node{number: i + 1, plan: &api.PlanNode{PodCIDRs: []netip.Prefix{cidr}}})
	}
	family := api.FamilyOf(netip.MustParsePrefix(blocks[0]).Addr())
	return newRegions(&api.Config{}, pr, blocksOf(nodes, family))
}

// outline writes regions in one line each, indented by depth.
func outline(regions []*region, depth int) string {
	var out strings.Builder
	for _, r := range regions {
		fmt.Fprintf(&out, "%s%s", strings.Repeat("  ", depth), r.cidr())
		for _, c := range r.claims {
			fmt.Fprintf(&out, " %s", c.ClusterCIDRConfig)
		}
		if r.within != nil {
			fmt.Fprintf(&out, " within %s", r.within.cidr)
		}
		for _, s := range r.stretches(func(podBlock, podBlock) bool { return true }) {
			switch {
			case s.region != nil:
				fmt.Fprintf(&out, " <>")
			case s.blocks != nil:
				fmt.Fprintf(&out, " [%d from %s]", len(s.blocks), s.blocks[0].cidr)
			default:
				fmt.Fprintf(&out, " free %s-%s %v", s.first, s.last, s.fits)
			}
		}
		out.WriteString("\n" + outline(r.kids, depth+1))
	}
	return out.String()
}

func TestRegions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ ranges, blocks, want []string }{
		"one range": {
			[]string{"192.168.0.0/16 24"},
			[]string{"192.168.0.0/24", "192.168.1.0/24"},
			[]string{"192.168.0.0/16 c0 [2 from 192.168.0.0/24] free 192.168.2.0-192.168.255.255 254"},
		},
		"a range in a range, in any order": {
			[]string{"192.168.1.0/24 24", "192.168.0.0/16 24"},
			[]string{"192.168.1.0/24", "192.168.0.0/24"},
			[]string{
				"192.168.0.0/16 c1 [1 from 192.168.0.0/24] <> free 192.168.2.0-192.168.255.255 254",
				"  192.168.1.0/24 c0 [1 from 192.168.1.0/24]",
			},
		},
		"two configs, one range": {
			[]string{"fd12::1:0/112 120", "fd12::1:0/112 121"},
			[]string{"fd12::1:100/120"},
			[]string{"fd12::1:0/112 c0 c1 free fd12::1:0-fd12::1:ff <nil> [1 from fd12::1:100/120] free fd12::1:200-fd12::1:ffff <nil>"},
		},
		"a block around a range": {
			[]string{"10.0.0.0/8 16", "10.1.2.0/24 26"},
			[]string{"10.1.0.0/16"},
			[]string{
				"10.0.0.0/8 c0 free 10.0.0.0-10.0.255.255 1 [1 from 10.1.0.0/16] <> free 10.2.0.0-10.255.255.255 254",
				"  10.1.2.0/24 c1 within 10.1.0.0/16",
			},
		},
		"a block outside": {
			[]string{"10.0.0.0/24 24"},
			[]string{"10.9.0.0/24"},
			[]string{"10.0.0.0/24 c0 free 10.0.0.0-10.0.0.255 1", "10.9.0.0/24 [1 from 10.9.0.0/24]"},
		},
		"up to the highest address": {
			[]string{"0.0.0.0/0 1"},
			[]string{"128.0.0.0/1"},
			[]string{"0.0.0.0/0 c0 free 0.0.0.0-127.255.255.255 1 [1 from 128.0.0.0/1]"},
		},
		"one block twice": {
			[]string{"10.0.0.0/23 24"},
			[]string{"10.0.0.0/24", "10.0.0.0/24"},
			[]string{"10.0.0.0/23 c0 [2 from 10.0.0.0/24] free 10.0.1.0-10.0.1.255 1"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := outline(tree(t, tt.ranges, tt.blocks), 0)
			if diff := cmp.Diff(strings.Join(tt.want, "\n")+"\n", got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
