package allocator

import (
	"maps"
	"net/netip"
	"slices"
)

// Node is a node of the cluster as the allocator sees it.
type Node struct {
	Name string
	// Labels decide which configs the node may use. The Allocator keeps the map: do not change it.
	Labels map[string]string
	// PodCIDRs is what the node already holds. Host bits are ignored, and so are invalid prefixes.
	PodCIDRs []netip.Prefix
}

// node is a registered Node.
type node struct {
	name   string
	labels map[string]string
	holding
	// best is the first config in rank that the node may use, or nil.
	best *candidate
	// number counts nodes in the order in which they were first added.
	number int
}

// holding is the podCIDRs of one node, masked.
type holding struct {
	// Pair has the first prefix of each family, surplus the others, which a node can only come with.
	Pair
	surplus []netip.Prefix
}

func newHolding(podCIDRs []netip.Prefix) holding {
	var h holding
	for _, p := range podCIDRs {
		if !p.IsValid() {
			continue
		}
		if first := h.of(familyOf(p)); !first.IsValid() {
			*first = p.Masked()
		} else {
			h.surplus = append(h.surplus, p.Masked())
		}
	}
	return h
}

// none reports whether nothing is held.
func (h *holding) none() bool { return !h.V4.IsValid() && !h.V6.IsValid() }

func (h *holding) equal(o *holding) bool {
	return h.Pair == o.Pair && slices.Equal(h.surplus, o.surplus)
}

// each calls visit with all that is held.
func (h *holding) each(visit func(netip.Prefix)) {
	for f := range families {
		if p := *h.of(f); p.IsValid() {
			visit(p)
		}
	}
	for _, p := range h.surplus {
		visit(p)
	}
}

// join registers a node, and reports whether it came with podCIDRs that were not known.
func (a *Allocator) join(in *Node) (n *node, arrived bool) {
	n, known := a.nodes[in.Name]
	if !known {
		n = &node{name: in.Name, labels: in.Labels, number: a.joined}
		n.best = a.catalog.add(in.Labels)
		a.nodes[n.name] = n
		a.joined++
	} else if !maps.Equal(n.labels, in.Labels) {
		n.best = a.catalog.add(in.Labels)
		a.catalog.remove(n.labels)
		n.labels = in.Labels
	}
	held := newHolding(in.PodCIDRs)
	if held.none() || held.equal(&n.holding) {
		return n, false
	}
	a.vacate(n)
	n.holding = held
	return n, true
}

// occupy takes what a node holds, and gives the prefixes of which some address was taken already.
func (a *Allocator) occupy(n *node) (disputed []netip.Prefix) {
	n.each(func(p netip.Prefix) {
		if shared := a.occupied[familyOf(p)].change(p, +1); shared {
			disputed = append(disputed, p)
		}
	})
	return disputed
}

// vacate frees what a node holds.
func (a *Allocator) vacate(n *node) {
	n.each(func(p netip.Prefix) { a.occupied[familyOf(p)].change(p, -1) })
	n.holding = holding{}
}

// configOf names the config that a node's podCIDRs belong to, as far as there is one.
func (a *Allocator) configOf(n *node) string {
	if n.best != nil && n.best.grants(n.Pair) {
		return n.best.Name
	}
	if c := a.catalog.owner(n.Pair, n.labels); c != nil {
		return c.Name
	}
	return ""
}
