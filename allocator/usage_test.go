package allocator_test

import (
	"fmt"
	"net/netip"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		configs []string
		reserve string
		nodes   []string
		want    []string // config, range: blocks, allocated, free
		// nodeCounts maps configs to the expected number of nodes; configs without an entry are not checked.
		nodeCounts map[string]int
	}{
		{
			name:    "empty, in the order given",
			configs: []string{"b 10.0.0.0/16>24 fd00::/112>120", "a 10.1.0.0/30>32 ::/0>0 {p=1}"},
			want: []string{
				"b 10.0.0.0/16 256 0 256", "b fd00::/112 256 0 256", "a 10.1.0.0/30 4 0 4", "a ::/0 1 0 1",
			},
		},
		{
			name:    "more blocks than 64 bits count",
			configs: []string{"c 10.0.0.0/8>24 fd00::/8>120"},
			nodes:   []string{"a"},
			want: []string{
				"c 10.0.0.0/8 65536 1 65535",
				"c fd00::/8 5192296858534827628530496329220096 1 5192296858534827628530496329220095",
			},
		},
		{
			name:    "the last blocks there are",
			configs: []string{"c 255.255.255.0/24>26 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120>122"},
			nodes:   []string{"a [255.255.255.192/26 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffc0/122]"},
			want:    []string{"c 255.255.255.0/24 4 1 3", "c ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120 4 1 3"},
		},
		{
			name:    "reserved blocks are neither allocated nor free",
			configs: []string{"c 10.0.0.0/22>24 fd00::/118>120"},
			reserve: "10.0.1.0/28 10.0.1.64/28 fd00::/64",
			nodes:   []string{"a"},
			want:    []string{"c 10.0.0.0/22 4 0 3", "c fd00::/118 4 0 0"},
		},
		{
			name: "a nested config's nodes take from both, and are the nested one's",
			configs: []string{
				"cluster 10.0.0.0/22>24 fd00::/118>120",
				"pool 10.0.0.0/23>25 fd00::/119>121 {p=1}",
			},
			nodes: []string{"a {p=1}", "b {p=1}", "c {p=1}", "d"},
			want: []string{
				"cluster 10.0.0.0/22 4 1 1", "cluster fd00::/118 4 1 1",
				"pool 10.0.0.0/23 4 3 1", "pool fd00::/119 4 3 1",
			},
		},
		{
			name:    "colliding and misfitting nodes count the blocks they touch once",
			configs: []string{"c 10.0.0.0/21>24 fd00::/117>120"},
			nodes: []string{
				"a [10.0.0.0/24 fd00::/120]", "b [10.0.0.0/24 fd00::/120]",
				"c [10.0.2.0/23 fd00::200/119]", "d [10.0.4.0/26 fd00::400/122]", "e [10.0.4.128/26 fd00::480/122]",
				"f [10.9.0.0/16 fd99::/120]", "g [10.0.0.0/16 fd00::/120]",
			},
			want:       []string{"c 10.0.0.0/21 8 4 0", "c fd00::/117 8 4 4"},
			nodeCounts: map[string]int{"c": 5},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, configs(test.configs...))
			for _, p := range prefixes(t, test.reserve) {
				a.Reserve(p)
			}
			for _, text := range test.nodes {
				n := parseNode(t, text)
				a.Add(n)
				if _, err := a.Allocate(n.Name); err != nil && test.reserve == "" {
					t.Fatal(err)
				}
			}
			var got []string
			for _, u := range a.Usage() {
				if want, ok := test.nodeCounts[u.Config]; ok && u.Nodes != want {
					t.Errorf("%d nodes hold blocks of %s, want %d", u.Nodes, u.Config, want)
				}
				got = append(got, fmt.Sprintf("%s %s %s %s %s", u.Config, u.Range.CIDR, u.Blocks, u.Allocated, u.Free))
			}
			if diff := gocmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReserveIgnoresNoRange(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, configs("c 10.0.0.0/24>24 fd00::/120>120"))
	a.Reserve(netip.Prefix{})
	a.Add(parseNode(t, "a"))
	if got, want := outcome(a.Allocate("a")), "c 10.0.0.0/24 fd00::/120"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
