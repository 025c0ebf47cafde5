package planview

import (
	"net/netip"

	"github.com/dualstrap/dualstrap/api"
)

// addressMap is the plan sorted into places, each in address order.
type addressMap struct {
	cfg      *api.Config
	plan     *api.Plan
	pools    []*nodePool
	families []*familyMap
}

// nodePool is a pool of nodes as the picture shows it.
type nodePool struct {
	name  string
	role  api.Role
	index int // chooses the hue
	nodes int
}

// node is one node; the same node is drawn with the same number and colours everywhere.
type node struct {
	number int // counts from 1 in the plan's order
	shade  int // counts within the pool
	pool   *nodePool
	addr   netip.Addr // the IPv4 address Kubernetes knows it by
	ipv6   netip.Addr // invalid while unknown
	plan   *api.PlanNode
}

// in is the node's address of a family; invalid while unknown.
func (n *node) in(family api.Family) netip.Addr {
	if family == api.FamilyOf(n.addr) {
		return n.addr
	}
	return n.ipv6
}

// familyMap is everything of one family.
type familyMap struct {
	family api.Family
	// flat pods are part of the L2 domain; others have the island.
	flat bool
	// l2 is the smallest prefix that holds what is known to be on the L2; the real one is longer
	// or the same. Invalid when nothing of the family is known.
	l2        netip.Prefix
	landmarks []marker
	// unknown are nodes whose address of this family is yet to be found out.
	unknown []*node
	island  []*region
	// elsewhere are the addresses of load balancers that are not the cluster's.
	elsewhere []marker
	services  []services
	ranges    []*api.PlanRange
}

// services is a range of virtual addresses.
type services struct {
	cidr netip.Prefix
	// preferred is the family a Service gets unless it says otherwise.
	preferred bool
}

// newAddressMap sorts the plan into places.
func newAddressMap(cfg *api.Config, plan *api.Plan) *addressMap {
	a := &addressMap{cfg: cfg, plan: plan}
	nodes := a.nodes()
	for _, family := range []api.Family{api.IPv4, api.IPv6} {
		a.families = append(a.families, a.territory(family, nodes))
	}
	return a
}

// nodes joins the plan's nodes with what the manifests know of them.
func (a *addressMap) nodes() []*node {
	known := configNodes(a.cfg)
	pools := map[string]*nodePool{}
	nodes := make([]*node, len(a.plan.Nodes))
	for i := range a.plan.Nodes {
		n := &a.plan.Nodes[i]
		p, ok := pools[n.Pool]
		if !ok {
			p = &nodePool{name: n.Pool, role: n.Role, index: len(a.pools)}
			pools[n.Pool] = p
			a.pools = append(a.pools, p)
		}
		nodes[i] = &node{number: i + 1, shade: p.nodes, pool: p, addr: address(n), ipv6: known[n.Address].IPv6, plan: n}
		p.nodes++
	}
	return nodes
}

// territory gathers what the plan and the manifests have of one family. Flat pods
// are on the L2 with everything else, so the prefix of the L2 is derived last.
func (a *addressMap) territory(family api.Family, nodes []*node) *familyMap {
	t := &familyMap{family: family, flat: family == api.IPv6 || a.cfg.Network.FlatIPv4}
	for i := range a.plan.Ranges {
		if a.plan.Ranges[i].Family == family {
			t.ranges = append(t.ranges, &a.plan.Ranges[i])
		}
	}
	for i, cidr := range a.cfg.Network.Services {
		if api.FamilyOf(cidr.Addr()) == family {
			t.services = append(t.services, services{cidr: cidr, preferred: i == 0})
		}
	}
	t.addNodes(nodes)
	t.addLoadBalancer(&a.cfg.LoadBalancer)
	if c := a.cfg.VerifyClient; c.IsValid() && api.FamilyOf(c) == family {
		t.landmarks = append(t.landmarks, marker{kind: kindClient, name: "client for checks", first: c, last: c})
	}
	regions := newRegions(a.cfg, t.ranges, blocksOf(nodes, family))
	if t.flat {
		for _, r := range regions {
			t.landmarks = append(t.landmarks, marker{kind: kindPods, first: r.first, last: r.last, region: r})
		}
	} else {
		t.island = regions
	}
	t.landmarks = inOrder(t.landmarks)
	if len(t.landmarks) > 0 {
		t.l2 = bounds(t.landmarks)
	}
	return t
}

// addNodes puts nodes on the L2. All have an IPv4 address in the manifests; IPv6 is on the hosts.
func (t *familyMap) addNodes(nodes []*node) {
	for _, n := range nodes {
		if addr := n.in(t.family); addr.IsValid() {
			t.landmarks = append(t.landmarks, marker{kind: kindNode, first: addr, last: addr, node: n})
		} else {
			t.unknown = append(t.unknown, n)
		}
	}
}
