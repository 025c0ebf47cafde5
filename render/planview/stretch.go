package planview

import (
	"math/big"
	"net/netip"
	"slices"
)

// stretch is a part of a region, from its first to its last address. It is blocks that touch each
// other and belong to nodes of one pool (cards: to one node), or a region inside, or free.
type stretch struct {
	first, last netip.Addr
	blocks      []podBlock
	region      *region
	// fits is how many more blocks a free stretch holds; nil when that depends on who asks.
	fits *big.Int
}

// stretches divides a region; join tells which neighbouring blocks belong together.
func (r *region) stretches(join func(a, b podBlock) bool) []stretch {
	var all []stretch
	next := r.first // the lowest address not told of yet; invalid after the highest there is
	for _, p := range r.parts() {
		if next.IsValid() && next.Less(p.first) {
			all = r.appendFree(all, next, p.first.Prev())
		}
		if n := len(all); n > 0 && all[n-1].continues(p, join) {
			all[n-1].blocks = append(all[n-1].blocks, p.blocks...)
			all[n-1].last = p.last
		} else {
			all = append(all, p)
		}
		if next.IsValid() && next.Compare(p.last) <= 0 {
			next = p.last.Next()
		}
	}
	if next.IsValid() && next.Compare(r.last) <= 0 {
		all = r.appendFree(all, next, r.last)
	}
	return all
}

// parts are the region's blocks and the regions inside it, in address order.
func (r *region) parts() []stretch {
	parts := make([]stretch, 0, len(r.blocks)+len(r.kids))
	for _, b := range r.blocks {
		parts = append(parts, stretch{first: b.cidr.Addr(), last: lastOf(b.cidr), blocks: []podBlock{b}})
	}
	for _, kid := range r.kids {
		parts = append(parts, stretch{first: kid.first, last: kid.last, region: kid})
	}
	slices.SortStableFunc(parts, func(a, b stretch) int { return a.first.Compare(b.first) })
	return parts
}

// continues reports whether p, which comes right after s, belongs to it.
func (s *stretch) continues(p stretch, join func(a, b podBlock) bool) bool {
	return s.blocks != nil && p.blocks != nil && join(s.blocks[len(s.blocks)-1], p.blocks[0])
}

// appendFree adds a free stretch. Nothing is free where no ClusterCIDRConfig has a range, nor in the
// block of a node.
func (r *region) appendFree(all []stretch, first, last netip.Addr) []stretch {
	if r.claims == nil || r.within != nil {
		return all
	}
	return append(all, r.freeFrom(first, last))
}

// freeFrom is a free stretch. ClusterCIDRConfigs that share the range may cut it differently; then
// there is no one number of blocks.
func (r *region) freeFrom(first, last netip.Addr) stretch {
	s := stretch{first: first, last: last}
	for i, c := range r.claims {
		if i > 0 && c.PerNodeMaskSize != r.claims[0].PerNodeMaskSize {
			return s
		}
	}
	s.fits = blocksIn(first, last, r.claims[0].PerNodeMaskSize)
	return s
}
