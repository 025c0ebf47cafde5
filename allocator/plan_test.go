package allocator_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/allocator"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		configs, nodes []string
		want           []string
	}{
		{
			name:    "the documentation's example",
			configs: []string{"cluster-wide 192.168.0.0/16>24 fd12::1:0/112>120"},
			nodes:   []string{"10.2.0.4", "10.2.0.5", "10.2.0.6"},
			want: []string{
				"cluster-wide 192.168.0.0/24 fd12::1:0/120",
				"cluster-wide 192.168.1.0/24 fd12::1:100/120",
				"cluster-wide 192.168.2.0/24 fd12::1:200/120",
			},
		},
		{
			name: "nodes with a more specific best config first",
			configs: []string{
				"c0 10.0.0.0/16>24 fd00::/112>120",
				"c1 10.0.0.0/16>24 fd00::/112>120 {p=1}",
				"c2 10.0.0.0/16>24 fd00::/112>120 {p=1,q=1}",
			},
			nodes: []string{"a", "b {p=1}", "c {p=1,q=1}", "d", "e {p=1}"},
			want: []string{
				"c0 10.0.3.0/24 fd00::300/120",
				"c1 10.0.1.0/24 fd00::100/120",
				"c2 10.0.0.0/24 fd00::/120",
				"c0 10.0.4.0/24 fd00::400/120",
				"c1 10.0.2.0/24 fd00::200/120",
			},
		},
		{
			name: "then those whose best config has less capacity",
			configs: []string{
				"large 10.0.0.0/16>24 fd00::/112>120 {p=1}",
				"small 10.0.0.0/22>24 fd00::/112>120 {p=2}",
				"least 10.0.0.0/16>24 fd00::/119>120 {p=3}",
			},
			nodes: []string{"a {p=1}", "b {p=2}", "c {p=3}", "d {p=1}", "e {p=2}"},
			want: []string{
				"large 10.0.3.0/24 fd00::300/120",
				"small 10.0.1.0/24 fd00::100/120",
				"least 10.0.0.0/24 fd00::/120",
				"large 10.0.4.0/24 fd00::400/120",
				"small 10.0.2.0/24 fd00::200/120",
			},
		},
		{
			name:    "holders keep what they hold, wherever they stand",
			configs: []string{"c 10.0.0.0/16>24 fd00::/112>120"},
			nodes:   []string{"a", "b [10.0.0.0/24 fd00::/120]", "c"},
			want: []string{
				"c 10.0.1.0/24 fd00::100/120",
				"c 10.0.0.0/24 fd00::/120",
				"c 10.0.2.0/24 fd00::200/120",
			},
		},
		{
			name:    "node that is listed twice",
			configs: []string{"c 10.0.0.0/16>24 fd00::/112>120"},
			nodes:   []string{"a", "b", "a"},
			want: []string{
				"c 10.0.0.0/24 fd00::/120",
				"c 10.0.1.0/24 fd00::100/120",
				"c 10.0.0.0/24 fd00::/120",
			},
		},
		{
			name:    "a failure does not stop the others",
			configs: []string{"c 10.0.0.0/24>24 fd00::/112>120 {p=1}", "d 10.1.0.0/16>24 fd01::/112>120 {p=2}"},
			nodes:   []string{"a", "b {p=1}", "c {p=1}", "d {p=2}"},
			want: []string{
				"no match", "c 10.0.0.0/24 fd00::/120", "exhausted", "d 10.1.0.0/24 fd01::/120",
			},
		},
		{
			name: "full pool goes on in the cluster-wide range, not in others' ranges",
			configs: []string{
				"cluster 10.0.0.0/16>24 fd00::/112>120",
				"p1 10.0.0.0/24>24 fd00::/120>120 {p=1}",
				"p2 10.0.1.0/24>24 fd00::100/120>120 {p=2}",
			},
			nodes: []string{"a {p=1}", "b {p=1}", "c {p=2}"},
			want: []string{
				"p1 10.0.0.0/24 fd00::/120", "cluster 10.0.2.0/24 fd00::200/120", "p2 10.0.1.0/24 fd00::100/120",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var nodes []allocator.Node
			for _, text := range test.nodes {
				nodes = append(nodes, parseNode(t, text))
			}
			var got []string
			for i, r := range newAllocator(t, configs(test.configs...)).Plan(nodes) {
				if r.Node != nodes[i].Name {
					t.Errorf("result %d is of %s, want %s", i, r.Node, nodes[i].Name)
				}
				got = append(got, outcome(r.Assignment, r.Err))
			}
			if diff := gocmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanReportsFindings(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, configs("c 10.0.0.0/22>24 fd00::/112>120"))
	results := a.Plan([]allocator.Node{
		parseNode(t, "a"), parseNode(t, "b [10.9.0.0/24 fd00::/120]"), parseNode(t, "c [10.9.0.0/24 fd00::100/120]"),
	})
	want := [][]string{
		nil,
		{"node b: 10.9.0.0/24 lies outside every ClusterCIDRConfig"},
		{"node c: 10.9.0.0/24 lies outside every ClusterCIDRConfig", "node c: 10.9.0.0/24 shares addresses with 10.9.0.0/24 of node b"},
	}
	var got [][]string
	for _, r := range results {
		got = append(got, texts(r.Findings))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPlanOfAnyOrder checks that the order of the configs does not change the plan.
func TestPlanOfAnyOrder(t *testing.T) {
	t.Parallel()
	lines := []string{
		"cluster 10.0.0.0/16>24 fd00::/112>120",
		"other 10.0.0.0/16>24 fd00::/112>120",
		"p1 10.0.8.0/22>24 fd00::800/118>120 {p=1}",
		"p2 10.0.16.0/22>24 fd00::1000/118>120 {p=2}",
	}
	var nodes []allocator.Node
	for i := range 40 {
		nodes = append(nodes, parseNode(t, fmt.Sprintf("n%d {p=%d}", i, i%4)))
	}
	want := newAllocator(t, configs(lines...)).Plan(nodes)
	for range len(lines) - 1 {
		lines = append(lines[1:], lines[0])
		reversed := slices.Clone(lines)
		slices.Reverse(reversed)
		for _, order := range [][]string{lines, reversed} {
			got := newAllocator(t, configs(order...)).Plan(nodes)
			if diff := gocmp.Diff(want, got, comparers()...); diff != "" {
				t.Errorf("configs %v (-want +got):\n%s", order, diff)
			}
		}
	}
}

// TestRestart runs a cluster for a while and compares the Allocator with a freshly started one at every step.
func TestRestart(t *testing.T) {
	t.Parallel()
	lines := []string{
		"cluster 10.0.0.0/20>24 fd00::/64>120",
		"pool 10.0.4.0/22>24 fd00::400/118>120 {p=1}",
		"node 10.0.4.0/24>24 fd00::400/120>120 {p=1,ip=3}",
	}
	service := netip.MustParsePrefix("10.0.2.0/24")
	old := newAllocator(t, configs(lines...))
	old.Reserve(service)
	alive := map[string]allocator.Node{}
	for i := range 200 {
		if gone := fmt.Sprintf("n%d", (i*7)%200); i%3 == 0 {
			old.Release(gone)
			delete(alive, gone)
		}
		n := parseNode(t, fmt.Sprintf("n%d {p=%d,ip=%d}", i, i%3, i%10))
		old.Add(n)
		alive[n.Name] = n

		twin := newAllocator(t, configs(lines...))
		twin.Reserve(service)
		for _, n := range alive {
			twin.Add(n)
		}
		got, want := outcome(twin.Allocate(n.Name)), outcome(old.Allocate(n.Name))
		if got != want {
			t.Fatalf("%s: the restarted allocator returns %s, the old one %s", n.Name, got, want)
		}
		if a, err := old.Allocate(n.Name); err == nil {
			n.PodCIDRs = a.PodCIDRs[:]
			alive[n.Name] = n
		}
	}
}

// TestSameSequence checks that a range which is filled, emptied and filled again assigns the same blocks.
func TestSameSequence(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, configs("c 10.0.0.0/16>24 fd00::/112>120"))
	var nodes []allocator.Node
	for i := range 256 {
		nodes = append(nodes, allocator.Node{Name: fmt.Sprintf("n%d", i)})
	}
	first := a.Plan(nodes)
	if got := outcome(first[255].Assignment, first[255].Err); got != "c 10.0.255.0/24 fd00::ff00/120" {
		t.Errorf("last block is %s", got)
	}
	for _, n := range nodes {
		a.Release(n.Name)
	}
	if diff := gocmp.Diff(first, a.Plan(nodes), comparers()...); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

// TestSelectorsThatReadAlike checks selectors with the same text and different labels.
func TestSelectorsThatReadAlike(t *testing.T) {
	t.Parallel()
	one, two := config("one", "10.1.0.0/16>24 fd01::/112>120"), config("two", "10.2.0.0/16>24 fd02::/112>120")
	one.MatchLabels = map[string]string{"a": "1,b=2"}
	two.MatchLabels = map[string]string{"a": "1", "b": "2"}
	a := newAllocator(t, []allocator.Config{one, two})
	a.Add(allocator.Node{Name: "n", Labels: one.MatchLabels}, allocator.Node{Name: "m", Labels: two.MatchLabels})
	for name, want := range map[string]string{"n": "one 10.1.0.0/24 fd01::/120", "m": "two 10.2.0.0/24 fd02::/120"} {
		if got := outcome(a.Allocate(name)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestAllocateOfUnknownNode(t *testing.T) {
	t.Parallel()
	_, err := newAllocator(t, nil).Allocate("a")
	if want := "cannot allocate podCIDRs for node a: it was never added"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
