package planview

import (
	"cmp"
	"net/netip"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
)

// addressMap is the plan sorted into places, each in address order.
type addressMap struct {
	cfg      *api.Config
	plan     *api.Plan
	nodes    []*node
	pools    []*nodePool
	families []*familyMap
	// selectors describes the nodes of each ClusterCIDRConfig.
	selectors map[string]string
}

// nodePool is a pool of nodes as the picture shows it.
type nodePool struct {
	name, use string // use describes the nodes
	hue       hue
	nodes     int
}

// node is one node; the same node is drawn with the same number and colours everywhere.
type node struct {
	number int // counts from 1 in the plan's order
	pool   *nodePool
	tint   string     // the background of its cards
	addr   netip.Addr // the one Kubernetes knows it by
	ipv6   netip.Addr // invalid while unknown
	plan   *api.PlanNode
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
	// unknown is set when nodes have an address of this family that is yet to be found out.
	unknown bool
	island  []marker
	// elsewhere are the addresses of load balancers that are not the cluster's.
	elsewhere []marker
	ranges    []*api.PlanRange
}

// newAddressMap sorts the plan into places.
func newAddressMap(cfg *api.Config, plan *api.Plan) *addressMap {
	a := &addressMap{cfg: cfg, plan: plan, selectors: selectors(cfg)}
	a.addNodes()
	for _, family := range []api.Family{api.IPv4, api.IPv6} {
		a.families = append(a.families, a.territory(family))
	}
	return a
}

// addNodes joins the plan's nodes with what the manifests know of them.
func (a *addressMap) addNodes() {
	known, pools := configNodes(a.cfg), map[string]*nodePool{}
	for i := range a.plan.Nodes {
		n := &a.plan.Nodes[i]
		p := pools[n.Pool]
		if p == nil {
			p = &nodePool{name: n.Pool, use: use(n.Role, n.Pool), hue: hues()[len(pools)%len(hues())]}
			pools[n.Pool], a.pools = p, append(a.pools, p)
		}
		tint := p.hue.tints[p.nodes%len(p.hue.tints)]
		a.nodes = append(a.nodes, &node{
			number: i + 1, pool: p, tint: tint, addr: cmp.Or(n.K8sIP, n.Address), ipv6: known[n.Address].IPv6, plan: n,
		})
		p.nodes++
	}
}

// territory gathers what the plan and the manifests have of one family. Flat pods
// are on the L2 with everything else, so the prefix of the L2 is derived last.
func (a *addressMap) territory(family api.Family) *familyMap {
	t := &familyMap{family: family, flat: family == api.IPv6 || a.cfg.Network.FlatIPv4}
	for i := range a.plan.Ranges {
		if a.plan.Ranges[i].Family == family {
			t.ranges = append(t.ranges, &a.plan.Ranges[i])
		}
	}
	for _, n := range a.nodes {
		addr := map[api.Family]netip.Addr{api.IPv4: n.addr, api.IPv6: n.ipv6}[family]
		t.landmarks = append(t.landmarks, marker{kind: kindNode, IPRange: single(addr), node: n})
	}
	t.addLoadBalancer(&a.cfg.LoadBalancer)
	t.landmarks = t.mark(t.landmarks, kindClient, "client for checks", a.cfg.VerifyClient)
	for _, r := range sorted(t.ranges, a.nodes, family).parts() {
		pods := marker{kind: kindPods, IPRange: netipx.RangeOfPrefix(r[0].Prefix), region: r}
		switch {
		case r[0].claim == nil: // The allocator takes every block from a range.
		case t.flat:
			t.landmarks = append(t.landmarks, pods)
		default:
			t.island = append(t.island, pods)
		}
	}
	for _, m := range t.landmarks {
		if t.unknown = t.unknown || !m.IsValid(); m.IsValid() {
			t.l2 = widen(widen(t.l2, m.From()), m.To())
		}
	}
	return t
}
