package planview

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/api"
)

// region is a range that blocks are taken from. Ranges are prefixes, so two of them are apart, or
// the same, or one lies in the other: regions form a tree.
type region struct {
	first, last netip.Addr
	// claims are the ClusterCIDRConfigs with exactly this range; none for blocks outside every range.
	claims []claim
	kids   []*region
	blocks []podBlock
	// within is the block that covers the whole region, taken by a node of a wider range.
	within *podBlock
}

// claim is one family of a ClusterCIDRConfig.
type claim struct {
	*api.PlanRange
	selector string
}

// podBlock is the block of one node.
type podBlock struct {
	cidr netip.Prefix
	node *node
}

// cidr is the region's range.
func (r *region) cidr() netip.Prefix { return covering(r.first, r.last) }

// blocksOf returns the blocks of a family in address order. Nodes without one are left out.
func blocksOf(nodes []*node, family api.Family) []podBlock {
	var blocks []podBlock
	for _, n := range nodes {
		if cidr := block(n.plan, family); cidr.IsValid() {
			blocks = append(blocks, podBlock{cidr.Masked(), n})
		}
	}
	slices.SortStableFunc(blocks, func(a, b podBlock) int { return comparePrefixes(a.cidr, b.cidr) })
	return blocks
}

// newRegions makes the tree and puts every block into the innermost region that holds it.
func newRegions(cfg *api.Config, ranges []*api.PlanRange, blocks []podBlock) []*region {
	sorted := slices.Clone(ranges)
	slices.SortStableFunc(sorted, func(a, b *api.PlanRange) int { return comparePrefixes(a.CIDR.Masked(), b.CIDR.Masked()) })
	selectors := selectors(cfg)
	root := &region{}
	open := []*region{root}
	for _, r := range sorted {
		c := claim{r, selectors[r.ClusterCIDRConfig]}
		cidr := r.CIDR.Masked()
		for len(open) > 1 && !open[len(open)-1].holds(cidr) {
			open = open[:len(open)-1]
		}
		top := open[len(open)-1]
		if top != root && top.cidr() == cidr {
			top.claims = append(top.claims, c)
			continue
		}
		kid := &region{first: cidr.Addr(), last: lastOf(cidr), claims: []claim{c}}
		top.kids = append(top.kids, kid)
		open = append(open, kid)
	}
	for _, b := range blocks {
		root.place(b)
	}
	return root.withOutside()
}

// place puts a block into the innermost region that holds it.
func (r *region) place(b podBlock) {
	i, _ := slices.BinarySearchFunc(r.kids, b.cidr.Addr(), func(kid *region, a netip.Addr) int {
		if kid.last.Less(a) {
			return -1
		}
		return 1
	})
	if i < len(r.kids) && r.kids[i].holds(b.cidr) {
		r.kids[i].place(b)
		return
	}
	r.blocks = append(r.blocks, b)
	for _, kid := range r.kids[i:] {
		if !b.cidr.Contains(kid.first) {
			break
		}
		kid.cover(b)
	}
}

// cover marks the region and all in it as part of a block.
func (r *region) cover(b podBlock) {
	r.within = &b
	for _, kid := range r.kids {
		kid.cover(b)
	}
}

// withOutside returns the regions below the root, and one more for blocks that are in none of them.
func (r *region) withOutside() []*region {
	if len(r.blocks) == 0 {
		return r.kids
	}
	last := r.blocks[0].cidr
	for _, b := range r.blocks {
		if lastOf(last).Less(lastOf(b.cidr)) {
			last = b.cidr
		}
	}
	outside := &region{first: r.blocks[0].cidr.Addr(), last: lastOf(last), blocks: r.blocks}
	return append(r.kids, outside)
}

// holds reports whether a prefix lies in the region. The root of the tree, which is all families and
// none, holds nothing.
func (r *region) holds(p netip.Prefix) bool {
	return r.first.IsValid() && r.first.Compare(p.Addr()) <= 0 && lastOf(p).Compare(r.last) <= 0
}

// size is how many regions there are from this one inwards.
func (r *region) size() int {
	n := 1
	for _, kid := range r.kids {
		n += kid.size()
	}
	return n
}

// comparePrefixes orders by address, wider ranges first.
func comparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}
