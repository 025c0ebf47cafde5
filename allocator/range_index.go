package allocator

import (
	"iter"
	"net/netip"
	"slices"
)

// rangeIndex answers which configs' ranges of one family a prefix lies in.
type rangeIndex struct {
	byCIDR map[netip.Prefix][]*candidate
	// bits are the prefix lengths that occur, sorted.
	bits []int
	// land is every address of any range.
	land cover
}

func newRangeIndexes(candidates []*candidate) *[families]rangeIndex {
	var atlases [families]rangeIndex
	for f := range families {
		atlases[f].byCIDR = make(map[netip.Prefix][]*candidate, len(candidates))
		for _, c := range candidates {
			atlases[f].insert(c, c.of(f).CIDR)
		}
	}
	return &atlases
}

func (m *rangeIndex) insert(c *candidate, cidr netip.Prefix) {
	if len(m.byCIDR[cidr]) == 0 {
		m.land.change(cidr, +1)
	}
	m.byCIDR[cidr] = append(m.byCIDR[cidr], c)
	if at, found := slices.BinarySearch(m.bits, cidr.Bits()); !found {
		m.bits = slices.Insert(m.bits, at, cidr.Bits())
	}
}

// around gives the configs in whose range p lies, widest range first.
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

// classify gives Foreign or Misfit, or nothing if p is a block of some range.
func (m *rangeIndex) classify(p netip.Prefix) Kind {
	f := familyOf(p)
	for c := range m.around(p) {
		if c.of(f).has(p) {
			return ""
		}
	}
	if m.land.touches(p) {
		return Misfit
	}
	return Foreign
}

// owner gives the config that both prefixes of a node lie in, or nil. Of several it is the one whose
// blocks they are, then one the node may use, then the best in rank: the one that would have handed
// them out.
func (c *catalog) owner(p Pair, labels map[string]string) *candidate {
	var owner *candidate
	var standing int
	for candidate := range c.atlases()[ipv4].around(p.V4) {
		if !candidate.V6.spans(p.V6) {
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
