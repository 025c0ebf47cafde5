package allocator

import (
	"iter"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/internal/family"
)

// rangeIndex finds the configs whose range of one family contains a prefix.
type rangeIndex struct {
	// byCIDR holds the configs of each range; several configs may share one.
	byCIDR map[netip.Prefix][]*candidate
	// bits lists the prefix lengths of the ranges, sorted. A lookup tries one key per length.
	bits []int
	// covered holds every address of any range.
	covered cover
}

// newRangeIndexes returns the index of each family over all configs, closed ones included.
func newRangeIndexes(candidates []*candidate) *family.Pair[rangeIndex] {
	var indexes family.Pair[rangeIndex]
	for _, f := range family.All() {
		indexes[f].byCIDR = make(map[netip.Prefix][]*candidate, len(candidates))
		for _, c := range candidates {
			indexes[f].insert(c, c.of(f).CIDR)
		}
	}
	return &indexes
}

// insert adds the config c under its range.
func (m *rangeIndex) insert(c *candidate, cidr netip.Prefix) {
	if len(m.byCIDR[cidr]) == 0 {
		m.covered.change(cidr, +1)
	}
	m.byCIDR[cidr] = append(m.byCIDR[cidr], c)
	if at, found := slices.BinarySearch(m.bits, cidr.Bits()); !found {
		m.bits = slices.Insert(m.bits, at, cidr.Bits())
	}
}

// around returns the configs whose range contains p, widest range first.
func (m *rangeIndex) around(p netip.Prefix) iter.Seq[*candidate] {
	return func(yield func(*candidate) bool) {
		for _, bits := range m.bits {
			if bits > p.Bits() {
				return
			}
			for _, c := range m.byCIDR[netip.PrefixFrom(p.Addr(), bits).Masked()] {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// classify returns Foreign or Misfit, or "" if p is a block of some range.
func (m *rangeIndex) classify(p netip.Prefix) Kind {
	f := family.Of(p.Addr())
	for c := range m.around(p) {
		if c.of(f).has(p) {
			return ""
		}
	}
	if m.covered.touches(p) {
		return Misfit
	}
	return Foreign
}

// owner returns the config whose ranges contain both prefixes of a node, or nil. Of several configs it prefers one
// of which both are blocks, then one that selects the node, then the highest in rank: the config that would have
// allocated them.
func (c *catalog) owner(p family.Pair[netip.Prefix], labels map[string]string) *candidate {
	var owner *candidate
	// standing is 2 for matching blocks plus 1 for matching labels, so that blocks outweigh labels.
	var standing int
	for candidate := range c.rangeIndexes()[family.IPv4].around(p[family.IPv4]) {
		if !candidate.V6.spans(p[family.IPv6]) {
			continue
		}
		s := 0
		if candidate.grants(p) {
			s += 2
		}
		if candidate.selector.selects(labels) {
			s++
		}
		if owner == nil || s > standing || s == standing && candidate.rank < owner.rank {
			owner, standing = candidate, s
		}
	}
	return owner
}
