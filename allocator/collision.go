package allocator

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/internal/family"
)

// claim is a prefix and the node that holds it. The node of a reserved range is nil.
type claim struct {
	netip.Prefix
	node *node
}

// number orders claims of the same prefix: reserved ranges first, then nodes in the order in which they were added.
func (c claim) number() int {
	if c.node == nil {
		return -1
	}
	return c.node.number
}

// collisions returns a finding for every newly arrived node that shares one of the disputed prefixes, by node.
// Where many nodes hold the same addresses, not every pair is reported, but every node is in some finding.
func (a *Allocator) collisions(arrived []*node, disputed []netip.Prefix) map[*node][]Finding {
	if len(disputed) == 0 {
		return nil
	}
	news := map[*node]bool{}
	for _, n := range arrived {
		news[n] = true
	}
	findings := map[*node][]Finding{}
	sweep(a.claimsOn(disputed), func(x, y claim) {
		switch {
		case news[y.node] && (!news[x.node] || y.number() > x.number()):
			x, y = y, x
		case !news[x.node]:
			return // an earlier Add reported this pair
		}
		findings[x.node] = append(findings[x.node], collision(x, y))
	})
	return findings
}

// collision returns the finding that x overlaps y, which held the addresses first.
func collision(x, y claim) Finding {
	f := Finding{Node: x.node.name, Kind: Collision, PodCIDR: x.Prefix, Other: y.Prefix}
	if y.node == nil {
		f.Kind = Reserved
		return f
	}
	f.OtherNode = y.node.name
	return f
}

// claimsOn returns every claim that shares an address with a disputed prefix. It scans all nodes, which is
// acceptable because collisions are rare.
func (a *Allocator) claimsOn(disputed []netip.Prefix) []claim {
	var scene family.Pair[cover]
	for _, p := range disputed {
		scene[family.Of(p.Addr())].change(p, +1)
	}
	var claims []claim
	note := func(p netip.Prefix, n *node) {
		if scene[family.Of(p.Addr())].touches(p) {
			claims = append(claims, claim{p, n})
		}
	}
	for _, p := range a.reserved {
		note(p, nil)
	}
	for _, n := range a.nodes {
		n.each(func(p netip.Prefix) { note(p, n) })
	}
	return claims
}

// sweep calls meet for every claim that lies inside a claim of another node, together with the widest of those. Two
// prefixes are either nested or disjoint. So in address order, wide before narrow, the claims around the current
// one form a stack:
//
//	|--------- /22 ----------|                    stack at b: /22, a
//	|--- a /24 ---|  |- /25 -|  |-- /24 --|       meet(a, /22), meet(b, /22), ...
//	 |- b /26 -|
func sweep(claims []claim, meet func(inner, outer claim)) {
	slices.SortFunc(claims, func(x, y claim) int {
		return cmp.Or(x.Compare(y.Prefix), x.number()-y.number())
	})
	var around []claim
	for _, c := range claims {
		for len(around) > 0 && !around[len(around)-1].Overlaps(c.Prefix) {
			around = around[:len(around)-1]
		}
		for _, outer := range around {
			if outer.node != c.node {
				meet(c, outer)
				break
			}
		}
		around = append(around, c)
	}
}
