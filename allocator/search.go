package allocator

import (
	"net/netip"

	"go4.org/netipx"
)

// search finds the lowest free block of one range, again and again. It remembers how far it came:
//
//	|###|###|###|###|###|###|###|   |   |###|   |   |   |   |
//	  no free block down here    ^ the next search begins here
//
// Addresses that are taken later never make a block below next free, so that stays true until a
// cover shrinks.
type search struct {
	// next is invalid, or behind the range, when no block is free.
	next netip.Addr
	// epoch tells the state of the covers for which next is right. The zero search has seen none.
	epoch int
}

// lowest gives the lowest block of r that no cover touches. The range and the covers are the same
// every time.
func (s *search) lowest(r Range, covers ...*cover) (netip.Prefix, bool) {
	if now := epoch(covers); now != s.epoch {
		s.next, s.epoch = r.CIDR.Addr(), now
	}
	for s.next.IsValid() && r.CIDR.Contains(s.next) {
		block := netip.PrefixFrom(s.next, r.NodeMask)
		next := firstClear(block, covers)
		if next == s.next {
			return block, true
		}
		s.next = alignUp(next, r.NodeMask)
	}
	return netip.Prefix{}, false
}

// epoch is a positive number that grows whenever a cover shrinks.
func epoch(covers []*cover) int {
	now := 1
	for _, c := range covers {
		now += c.shrinks
	}
	return now
}

// firstClear gives the block's first address if no cover touches the block, otherwise the address to
// look at next as far as the first cover that does knows.
func firstClear(block netip.Prefix, covers []*cover) netip.Addr {
	first, last := block.Addr(), netipx.PrefixLastIP(block)
	for _, c := range covers {
		if next := c.clear(first, last); next != first {
			return next
		}
	}
	return first
}

// alignUp gives the first address at or behind a that begins a block. The result is invalid when a
// is, or when the address space ends before.
func alignUp(a netip.Addr, mask int) netip.Addr {
	block := netip.PrefixFrom(a, mask).Masked()
	if block.Addr() == a {
		return a
	}
	return netipx.PrefixLastIP(block).Next()
}
