package allocator

import (
	"fmt"
	"net/netip"

	"github.com/dualstrap/dualstrap/internal/family"
)

// Kind is a category of Finding.
type Kind string

// The kinds of a Finding. Whatever the kind, the node keeps its podCIDRs and their addresses are occupied: changing
// podCIDRs under running pods would break them.
const (
	// Foreign podCIDRs lie outside the ranges of all configs.
	Foreign Kind = "Foreign"
	// Misfit podCIDRs overlap a config's range but are not a block of it: they cover several blocks, or a part of
	// one.
	Misfit Kind = "Misfit"
	// Split podCIDRs are blocks, but no single config contains both.
	Split Kind = "Split"
	// Incomplete podCIDRs lack a family.
	Incomplete Kind = "Incomplete"
	// Surplus podCIDRs have more than one block of a family.
	Surplus Kind = "Surplus"
	// Collision podCIDRs share addresses with those of another node.
	Collision Kind = "Collision"
	// Reserved podCIDRs share addresses with a reserved range.
	Reserved Kind = "Reserved"
)

// Finding describes one problem with the podCIDRs that a node arrived with.
type Finding struct {
	Node string
	Kind Kind
	// PodCIDR is the prefix in question. It is invalid for Split and Incomplete, which concern the pair.
	PodCIDR netip.Prefix
	// Other is the prefix that PodCIDR overlaps, for Collision and Reserved. OtherNode is the node that holds it,
	// for Collision.
	Other     netip.Prefix
	OtherNode string
}

// String describes the finding in one sentence.
func (f Finding) String() string {
	var what string
	switch f.Kind {
	case Foreign:
		what = fmt.Sprintf("%s lies outside every ClusterCIDRConfig", f.PodCIDR)
	case Misfit:
		what = fmt.Sprintf("%s is not a block of any ClusterCIDRConfig", f.PodCIDR)
	case Split:
		what = "the podCIDRs belong to different ClusterCIDRConfigs"
	case Incomplete:
		what = "the podCIDRs lack a family"
	case Surplus:
		what = fmt.Sprintf("%s is a second podCIDR of its family", f.PodCIDR)
	case Collision:
		what = fmt.Sprintf("%s shares addresses with %s of node %s", f.PodCIDR, f.Other, f.OtherNode)
	case Reserved:
		what = fmt.Sprintf("%s shares addresses with the reserved range %s", f.PodCIDR, f.Other)
	}
	return fmt.Sprintf("node %s: %s", f.Node, what)
}

// inspect returns the findings for nodes that have just arrived with podCIDRs, in their order. disputed holds the
// prefixes that were at least partly occupied before.
func (a *Allocator) inspect(arrived []*node, disputed []netip.Prefix) []Finding {
	var findings []Finding
	collisions := a.collisions(arrived, disputed)
	for _, n := range arrived {
		findings = append(findings, a.misplaced(n)...)
		findings = append(findings, collisions[n]...)
	}
	return findings
}

// misplaced returns the findings for one node's podCIDRs, regardless of other nodes. The common case, a pair from
// the node's best config, returns early and builds no index.
func (a *Allocator) misplaced(n *node) []Finding {
	if len(n.surplus) == 0 && n.best != nil && n.best.grants(n.first) {
		return nil
	}
	var findings []Finding
	find := func(kind Kind, p netip.Prefix) {
		findings = append(findings, Finding{Node: n.name, Kind: kind, PodCIDR: p})
	}
	if !n.complete() {
		find(Incomplete, netip.Prefix{})
	}
	for _, p := range n.surplus {
		find(Surplus, p)
	}
	n.each(func(p netip.Prefix) {
		if kind := a.catalog.rangeIndexes()[family.Of(p.Addr())].classify(p); kind != "" {
			find(kind, p)
		}
	})
	if c := a.catalog.owner(n.first, n.labels); len(findings) == 0 && (c == nil || !c.grants(n.first)) {
		find(Split, netip.Prefix{})
	}
	return findings
}
