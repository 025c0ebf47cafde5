package allocator_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/internal/family"
)

// The benchmarks of Plan include New: a user waits for both between manifests and a plan.

func BenchmarkPlan(b *testing.B) {
	benchPlan(b, func([]allocator.Node) []allocator.Config { return clusterWide() })
}

func BenchmarkPlanPools(b *testing.B) {
	benchPlan(b, func([]allocator.Node) []allocator.Config { return threePools() })
}

func BenchmarkPlanPerNode(b *testing.B) {
	benchPlan(b, perNode)
}

func benchPlan(b *testing.B, configsFor func([]allocator.Node) []allocator.Config) {
	b.Helper()
	for _, size := range []int{1_000, 10_000, 100_000} {
		nodes := benchNodes(size)
		configs := configsFor(nodes)
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, r := range newAllocator(b, configs).Plan(nodes) {
					if r.Err != nil {
						b.Fatal(r.Err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/node")
		})
	}
}

// BenchmarkRestart parses and occupies the podCIDRs of 100,000 nodes, in file order and in random order.
func BenchmarkRestart(b *testing.B) {
	const size = 100_000
	nodes := benchNodes(size)
	planned := newAllocator(b, clusterWide()).Plan(nodes)
	texts := make([][2]string, size)
	for i, r := range planned {
		texts[i] = [2]string{r.Assignment.PodCIDRs[family.IPv4].String(), r.Assignment.PodCIDRs[family.IPv6].String()}
	}
	restart := func(b *testing.B, order []int) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			a := newAllocator(b, clusterWide())
			held := make([]allocator.Node, 0, size)
			for _, i := range order {
				n := nodes[i]
				n.PodCIDRs = []netip.Prefix{netip.MustParsePrefix(texts[i][0]), netip.MustParsePrefix(texts[i][1])}
				held = append(held, n)
			}
			if findings := a.Add(held...); len(findings) > 0 {
				b.Fatal(findings[0])
			}
		}
	}
	shuffled := rand.New(rand.NewPCG(1, 2)).Perm(size)
	ordered := make([]int, size)
	for i := range ordered {
		ordered[i] = i
	}
	b.Run("100000", func(b *testing.B) { restart(b, ordered) })
	b.Run("100000/shuffled", func(b *testing.B) { restart(b, shuffled) })
}

// BenchmarkChurn replaces one node after another in a full range of 65,536 blocks.
func BenchmarkChurn(b *testing.B) {
	const size = 1 << 16
	nodes := benchNodes(size)
	a := newAllocator(b, []allocator.Config{config("all", "10.0.0.0/8>24 fd00::/104>120")})
	for _, r := range a.Plan(nodes) {
		if r.Err != nil {
			b.Fatal(r.Err)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		n := nodes[random.IntN(size)]
		a.Release(n.Name)
		a.Add(n)
		if _, err := a.Allocate(n.Name); err != nil {
			b.Fatal(err)
		}
	}
}

func benchNodes(size int) []allocator.Node {
	nodes := make([]allocator.Node, size)
	for i := range nodes {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()
		nodes[i] = allocator.Node{Name: ip, Labels: map[string]string{
			"baremetal.cluster.gke.io/node-pool": "pool-" + strconv.Itoa(i%3),
			"baremetal.cluster.gke.io/k8s-ip":    ip,
			"baremetal.cluster.gke.io/namespace": "cluster-hybrid",
			"topology.kubernetes.io/zone":        "rack-" + strconv.Itoa(i%50),
		}}
	}
	return nodes
}

func clusterWide() []allocator.Config {
	return []allocator.Config{config("cluster", "16.0.0.0/4>24 fd00::/64>120")}
}

// threePools returns a cluster-wide config and one for each of three pools inside its range. The range of the last
// pool is far too small, so most of its nodes get blocks elsewhere.
func threePools() []allocator.Config {
	return append(
		clusterWide(),
		config("pool-0", "16.0.0.0/8>24 fd00::1:0:0/96>120 {baremetal.cluster.gke.io/node-pool=pool-0}"),
		config("pool-1", "17.0.0.0/8>24 fd00::2:0:0/96>120 {baremetal.cluster.gke.io/node-pool=pool-1}"),
		config("pool-2", "18.0.0.0/16>24 fd00::3:0:0/104>120 {baremetal.cluster.gke.io/node-pool=pool-2}"),
	)
}

// perNode returns a cluster-wide config and one per node inside its range, in random order.
func perNode(nodes []allocator.Node) []allocator.Config {
	configs := clusterWide()
	for i, at := range rand.New(rand.NewPCG(1, 2)).Perm(len(nodes)) {
		configs = append(configs, nodeConfig(nodes[i].Name, at))
	}
	return configs
}

// nodeConfig returns a config for one node that holds exactly one block of the cluster-wide range.
func nodeConfig(node string, at int) allocator.Config {
	v4 := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(16 + at>>16), byte(at >> 8), byte(at), 0}), 24)
	v6 := netip.MustParsePrefix(fmt.Sprintf("fd00::%x:%x/120", at>>8, at&0xff<<8))
	return allocator.Config{
		Name:        "node-" + node,
		MatchLabels: map[string]string{"baremetal.cluster.gke.io/k8s-ip": node},
		V4:          allocator.Range{CIDR: v4, NodeMask: 24},
		V6:          allocator.Range{CIDR: v6, NodeMask: 120},
	}
}
