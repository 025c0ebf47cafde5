package allocator_test

import (
	"fmt"
	"log"
	"net/netip"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/internal/family"
)

// One config for the whole cluster, as in the documentation of Google Distributed Cloud.
func Example() {
	a, err := allocator.New([]allocator.Config{{
		Name: "cluster-wide",
		V4:   allocator.Range{CIDR: netip.MustParsePrefix("192.168.0.0/16"), NodeMask: 24},
		V6:   allocator.Range{CIDR: netip.MustParsePrefix("fd12::1:0/112"), NodeMask: 120},
	}})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range a.Plan([]allocator.Node{{Name: "10.2.0.4"}, {Name: "10.2.0.5"}, {Name: "10.2.0.6"}}) {
		fmt.Println(r.Node, r.Assignment.PodCIDRs[family.IPv4], r.Assignment.PodCIDRs[family.IPv6])
	}
	// Output:
	// 10.2.0.4 192.168.0.0/24 fd12::1:0/120
	// 10.2.0.5 192.168.1.0/24 fd12::1:100/120
	// 10.2.0.6 192.168.2.0/24 fd12::1:200/120
}

// A pool has a range inside that of the cluster. Other nodes avoid it, and the third node of the pool gets a block
// elsewhere because its range is full.
func ExampleAllocator_Plan() {
	edge := map[string]string{"pool": "edge"}
	a, err := allocator.New([]allocator.Config{
		{
			Name: "cluster",
			V4:   allocator.Range{CIDR: netip.MustParsePrefix("192.168.0.0/21"), NodeMask: 24},
			V6:   allocator.Range{CIDR: netip.MustParsePrefix("fd00::/64"), NodeMask: 120},
		},
		{
			Name:        "edge",
			MatchLabels: edge,
			V4:          allocator.Range{CIDR: netip.MustParsePrefix("192.168.0.0/23"), NodeMask: 24},
			V6:          allocator.Range{CIDR: netip.MustParsePrefix("fd00::e000/116"), NodeMask: 120},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	results := a.Plan([]allocator.Node{
		{Name: "control-plane"},
		{Name: "edge-1", Labels: edge},
		{Name: "edge-2", Labels: edge},
		{Name: "edge-3", Labels: edge},
	})
	for _, r := range results {
		fmt.Println(r.Node, r.Assignment.Config, r.Assignment.PodCIDRs[family.IPv4], r.Assignment.PodCIDRs[family.IPv6])
	}
	// Output:
	// control-plane cluster 192.168.3.0/24 fd00::100/120
	// edge-1 edge 192.168.0.0/24 fd00::e000/120
	// edge-2 edge 192.168.1.0/24 fd00::e100/120
	// edge-3 cluster 192.168.2.0/24 fd00::/120
}

// podCIDRs that nodes arrive with are reported, kept, and never assigned to another node.
func ExampleAllocator_Add() {
	a, err := allocator.New([]allocator.Config{{
		Name: "cluster",
		V4:   allocator.Range{CIDR: netip.MustParsePrefix("192.168.0.0/16"), NodeMask: 24},
		V6:   allocator.Range{CIDR: netip.MustParsePrefix("fd00::/112"), NodeMask: 120},
	}})
	if err != nil {
		log.Fatal(err)
	}
	a.Reserve(netip.MustParsePrefix("192.168.0.0/24"))
	findings := a.Add(
		allocator.Node{Name: "a", PodCIDRs: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("fd00::/120")}},
		allocator.Node{Name: "b", PodCIDRs: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("fd11::/120")}},
		allocator.Node{Name: "c"},
	)
	for _, f := range findings {
		fmt.Println(f)
	}
	c, err := a.Allocate("c")
	fmt.Println("c gets", c.PodCIDRs[family.IPv4], c.PodCIDRs[family.IPv6], err)
	// Output:
	// node b: fd11::/120 lies outside every ClusterCIDRConfig
	// node b: 192.168.1.0/24 shares addresses with 192.168.1.0/24 of node a
	// c gets 192.168.2.0/24 fd00::100/120 <nil>
}

func ExampleAllocator_Usage() {
	a, err := allocator.New([]allocator.Config{{
		Name: "cluster",
		V4:   allocator.Range{CIDR: netip.MustParsePrefix("192.168.0.0/16"), NodeMask: 24},
		V6:   allocator.Range{CIDR: netip.MustParsePrefix("fd00::/56"), NodeMask: 120},
	}})
	if err != nil {
		log.Fatal(err)
	}
	a.Plan([]allocator.Node{{Name: "a"}, {Name: "b"}})
	for _, u := range a.Usage() {
		fmt.Printf("%s: %d of %d blocks, %d free\n", u.Range.CIDR, u.Allocated, u.Blocks, u.Free)
	}
	// Output:
	// 192.168.0.0/16: 2 of 256 blocks, 254 free
	// fd00::/56: 2 of 18446744073709551616 blocks, 18446744073709551614 free
}
