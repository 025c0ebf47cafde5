package api_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	v1 "github.com/dualstrap/dualstrap/api/v1"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
)

// largeManifests returns the documentation's example with more nodes, in pools of 100, and a ClusterCIDRConfig for
// each pool.
func largeManifests(tb testing.TB, nodes int) *api.Manifests {
	tb.Helper()
	m, _ := api.Parse(readSources(tb, "testdata/valid/documentation-example.yaml"))
	m.NodePools, m.ClusterCIDRConfigs = nil, nil
	m.Clusters[0].Value.Spec.ClusterNetwork.Pods.CIDRBlocks = []string{"16.0.0.0/8"}
	address := netip.MustParseAddr("10.16.0.0")
	for i := range (nodes + 99) / 100 {
		pool := api.Object[v1.NodePool]{Doc: &api.Document{File: "pools.yaml", Line: i + 1, Kind: "NodePool", Name: fmt.Sprintf("pool-%d", i)}}
		pool.Value.Name, pool.Value.Namespace, pool.Value.Spec.ClusterName = pool.Doc.Name, "cluster-dual-stack", "dual-stack"
		for range min(100, nodes-100*i) {
			address = address.Next()
			pool.Value.Spec.Nodes = append(pool.Value.Spec.Nodes, v1.Node{Address: address.String()})
		}
		m.NodePools = append(m.NodePools, pool)
		m.ClusterCIDRConfigs = append(m.ClusterCIDRConfigs, poolRange(i))
	}
	return m
}

// poolRange returns the range of the pool with a number; every 64th pool has the same.
func poolRange(i int) api.Object[v1alpha1.ClusterCIDRConfig] {
	c := api.Object[v1alpha1.ClusterCIDRConfig]{
		Doc: &api.Document{File: "ranges.yaml", Line: i + 1, Kind: "ClusterCIDRConfig", Name: fmt.Sprintf("range-%d", i)},
	}
	c.Value.Name, c.Value.Namespace = c.Doc.Name, "cluster-dual-stack"
	c.Value.Spec = v1alpha1.ClusterCIDRConfigSpec{
		IPv4:         v1alpha1.CIDRRange{CIDR: fmt.Sprintf("16.%d.0.0/16", i%64), PerNodeMaskSize: 24},
		IPv6:         v1alpha1.CIDRRange{CIDR: fmt.Sprintf("fd13:%x::/64", i%64), PerNodeMaskSize: 120},
		NodeSelector: &v1alpha1.NodeSelector{MatchLabels: map[string]string{api.LabelNodePool: fmt.Sprintf("pool-%d", i)}},
	}
	return c
}

func TestResolveLarge(t *testing.T) {
	t.Parallel()
	config, problems := api.Resolve(largeManifests(t, 100_000))
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", withHints(problems[:min(len(problems), 5)]))
	}
	nodes := 0
	for _, p := range config.Pools {
		nodes += len(p.Nodes)
	}
	if nodes != 100_001 || len(config.CIDRConfigs) != 1000 {
		t.Errorf("%d nodes, %d ClusterCIDRConfigs", nodes, len(config.CIDRConfigs))
	}
}

// TestResolveLargeOverlap checks that one mistake about 100,000 nodes is one problem, not 100,000.
func TestResolveLargeOverlap(t *testing.T) {
	t.Parallel()
	m := largeManifests(t, 100_000)
	m.Clusters[0].Value.Spec.ClusterNetwork.Services.CIDRBlocks[0] = "10.16.0.0/12"
	_, problems := api.Resolve(m)
	rules := map[string]bool{}
	for _, p := range problems {
		rules[p.Rule] = true
	}
	if len(problems) != 1 || !rules["services-nodes"] {
		t.Errorf("%d problems of the rules %v, want one of services-nodes", len(problems), slices.Sorted(maps.Keys(rules)))
	}
}

// TestResolveShortens checks that 100,000 problems of one rule are shortened to a readable list.
func TestResolveShortens(t *testing.T) {
	t.Parallel()
	m := largeManifests(t, 10_000)
	for p := range m.NodePools {
		for n := range m.NodePools[p].Value.Spec.Nodes {
			m.NodePools[p].Value.Spec.Nodes[n].Address = "10.2.0"
		}
	}
	config, problems := api.Resolve(m)
	if config != nil || len(problems) != 101 {
		t.Fatalf("%d problems, want 101", len(problems))
	}
	if got := problems[100].Message; !strings.HasSuffix(got, "; 9899 more problems of this kind are not listed") {
		t.Errorf("the last message is %q", got)
	}
}

func BenchmarkResolve(b *testing.B) {
	for _, nodes := range []int{10_000, 100_000} {
		m := largeManifests(b, nodes)
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, problems := api.Resolve(m); len(problems) > 0 {
					b.Fatal(problems[0])
				}
			}
		})
	}
}
