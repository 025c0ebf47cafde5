package allocator

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/internal/family"
)

// Node is a node of the cluster, as callers describe it.
type Node struct {
	Name string
	// Labels select the configs that the node may use. The Allocator keeps the map: do not change it.
	Labels map[string]string
	// PodCIDRs lists the prefixes that the node already holds, in any order. There may be several of a family, or none.
	// Host bits and invalid prefixes are ignored.
	PodCIDRs []netip.Prefix
}

// node is the Allocator's record of a Node.
type node struct {
	name   string
	labels map[string]string
	holding
	// best is the highest ranked config that the node may use, or nil. It is kept up to date by SetConfigs and by
	// changes of labels.
	best *candidate
	// number is the position of the node in the order in which nodes were first added.
	number int
}

// holding is the set of podCIDRs of one node, masked.
type holding struct {
	// first holds the first prefix of each family, surplus the others. A prefix that is not valid stands for a missing
	// one. Only a node that arrived with podCIDRs has a surplus; the Allocator assigns none.
	first   family.Pair[netip.Prefix]
	surplus []netip.Prefix
}

// newHolding sorts podCIDRs by family and skips those that are invalid.
func newHolding(podCIDRs []netip.Prefix) holding {
	var h holding
	for _, p := range podCIDRs {
		if !p.IsValid() {
			continue
		}
		if f := family.Of(p.Addr()); !h.first[f].IsValid() {
			h.first[f] = p.Masked()
		} else {
			h.surplus = append(h.surplus, p.Masked())
		}
	}
	return h
}

// none reports whether the node holds nothing.
func (h *holding) none() bool { return h.first == family.Pair[netip.Prefix]{} }

// complete reports whether the node holds a prefix of each family.
func (h *holding) complete() bool {
	return h.first[family.IPv4].IsValid() && h.first[family.IPv6].IsValid()
}

// equal reports whether both hold the same prefixes. The order of surplus prefixes matters, which at worst makes a
// node arrive again.
func (h *holding) equal(o *holding) bool {
	return h.first == o.first && slices.Equal(h.surplus, o.surplus)
}

// each calls visit for every prefix that is held.
func (h *holding) each(visit func(netip.Prefix)) {
	for _, p := range h.first {
		if p.IsValid() {
			visit(p)
		}
	}
	for _, p := range h.surplus {
		visit(p)
	}
}

// join registers a node or updates its labels and podCIDRs. It reports whether the node arrived with podCIDRs that
// the Allocator did not know, which the caller then has to occupy.
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

// occupy marks a node's prefixes as held, and returns those of which some address was held before.
func (a *Allocator) occupy(n *node) (disputed []netip.Prefix) {
	n.each(func(p netip.Prefix) {
		if shared := a.occupied[family.Of(p.Addr())].change(p, +1); shared {
			disputed = append(disputed, p)
		}
	})
	return disputed
}

// vacate frees the node's prefixes.
func (a *Allocator) vacate(n *node) {
	n.each(func(p netip.Prefix) { a.occupied[family.Of(p.Addr())].change(p, -1) })
	n.holding = holding{}
}

// configOf returns the name of the config that contains the node's podCIDRs, or "" when no config does.
func (a *Allocator) configOf(n *node) string {
	if n.best != nil && n.best.grants(n.first) {
		return n.best.Name
	}
	if c := a.catalog.owner(n.first, n.labels); c != nil {
		return c.Name
	}
	return ""
}
