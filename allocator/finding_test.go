package allocator_test

import (
	"net/netip"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/allocator"
)

func TestFindings(t *testing.T) {
	t.Parallel()
	const inRange = "c 10.10.0.0/16>24 fd00::/112>120"
	for _, test := range []struct {
		name    string
		configs []string
		nodes   []string
		want    []string
	}{
		{
			name:    "nothing wrong",
			configs: []string{inRange},
			nodes:   []string{"a [10.10.0.0/24 fd00::/120]", "b [10.10.1.0/24 fd00::200/120]", "c"},
		},
		{
			name:    "blocks of a config that the node's labels do not match",
			configs: []string{inRange + " {p=1}"},
			nodes:   []string{"a [10.10.0.0/24 fd00::/120]"},
		},
		{
			name:  "no configs",
			nodes: []string{"a [10.10.0.0/24 fd00::/120]"},
			want: []string{
				"node a: 10.10.0.0/24 lies outside every ClusterCIDRConfig",
				"node a: fd00::/120 lies outside every ClusterCIDRConfig",
			},
		},
		{
			name:    "misfits",
			configs: []string{inRange},
			nodes:   []string{"a [10.10.0.0/22 fd00::40/122]", "b [10.0.0.0/12 fd00::200/120]"},
			want: []string{
				"node a: 10.10.0.0/22 is not a block of any ClusterCIDRConfig",
				"node a: fd00::40/122 is not a block of any ClusterCIDRConfig",
				"node b: 10.0.0.0/12 is not a block of any ClusterCIDRConfig",
				"node b: 10.0.0.0/12 shares addresses with 10.10.0.0/22 of node a",
				"node b: 10.0.0.0/12 shares addresses with the reserved range 10.10.255.128/25",
			},
		},
		{
			name:    "blocks of two configs",
			configs: []string{inRange, "d 10.20.0.0/16>24 fd01::/112>120"},
			nodes:   []string{"a [10.10.0.0/24 fd01::/120]"},
			want:    []string{"node a: the podCIDRs belong to different ClusterCIDRConfigs"},
		},
		{
			name:    "wrong number of families",
			configs: []string{inRange},
			nodes:   []string{"a [10.10.0.0/24]", "b [10.10.1.0/24 fd00::/120 fd00::100/120]"},
			want: []string{
				"node a: the podCIDRs lack a family",
				"node b: fd00::100/120 is a second podCIDR of its family",
			},
		},
		{
			name:    "several nodes on one block: all collide with the first",
			configs: []string{inRange},
			nodes: []string{
				"b [10.10.0.0/24 fd00::/120]", "a [10.10.0.0/24 fd00::100/120]", "c [10.10.0.0/24 fd00::200/120]",
			},
			want: []string{
				"node a: 10.10.0.0/24 shares addresses with 10.10.0.0/24 of node b",
				"node c: 10.10.0.0/24 shares addresses with 10.10.0.0/24 of node b",
			},
		},
		{
			name:    "nested podCIDRs: the later node is the one that collides",
			configs: []string{inRange, "e 10.10.0.0/16>26 fd00::/112>122", "f 10.10.0.0/16>22 fd00::/112>118"},
			nodes: []string{
				"a [10.10.0.64/26 fd00::40/122]", "b [10.10.0.0/22 fd00::400/118]", "c [10.10.1.0/24 fd00::100/120]",
			},
			want: []string{
				"node b: 10.10.0.0/22 shares addresses with 10.10.0.64/26 of node a",
				"node c: 10.10.1.0/24 shares addresses with 10.10.0.0/22 of node b",
			},
		},
		{
			name:    "both families",
			configs: []string{inRange},
			nodes:   []string{"a [10.10.0.0/24 fd00::/120]", "b [10.10.0.0/24 fd00::/120]"},
			want: []string{
				"node b: 10.10.0.0/24 shares addresses with 10.10.0.0/24 of node a",
				"node b: fd00::/120 shares addresses with fd00::/120 of node a",
			},
		},
		{
			name:    "a node does not collide with itself",
			configs: []string{inRange},
			nodes:   []string{"a [10.10.0.0/24 10.10.0.0/24 fd00::/120]"},
			want:    []string{"node a: 10.10.0.0/24 is a second podCIDR of its family"},
		},
		{
			name:    "reserved range",
			configs: []string{inRange},
			nodes:   []string{"a [10.10.255.0/24 fd00::/120]"},
			want:    []string{"node a: 10.10.255.0/24 shares addresses with the reserved range 10.10.255.128/25"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			together := newAllocator(t, configs(test.configs...))
			single := newAllocator(t, configs(test.configs...))
			var nodes []allocator.Node
			var oneByOne []string
			together.Reserve(netip.MustParsePrefix("10.10.255.128/25"))
			single.Reserve(netip.MustParsePrefix("10.10.255.128/25"))
			for _, text := range test.nodes {
				n := parseNode(t, text)
				nodes = append(nodes, n)
				oneByOne = append(oneByOne, texts(single.Add(n))...)
				if again := single.Add(n); len(again) > 0 {
					t.Errorf("added again, %s has findings %v", n.Name, again)
				}
			}
			if diff := gocmp.Diff(test.want, texts(together.Add(nodes...))); diff != "" {
				t.Errorf("added together (-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(test.want, oneByOne); diff != "" {
				t.Errorf("added one by one (-want +got):\n%s", diff)
			}
		})
	}
}

func texts(findings []allocator.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, f.String())
	}
	return all
}
