package allocator

import (
	"net/netip"

	"go4.org/netipx"
)

// search finds the lowest free block of one range, repeatedly. It remembers how far it got:
//
//	|###|###|###|###|###|###|###|   |   |###|   |   |   |   |
//	  no free block down here    ^ the next search begins here
//
// Occupying addresses later never makes a block below next free, so the cursor stays valid until a cover shrinks.
// This makes filling a range of n blocks linear instead of quadratic.
type search struct {
	// next is the cursor. It is invalid, or past the range, when no block is free.
	next netip.Addr
	// epoch is the state of the covers for which next is valid. The zero search is valid for no state, because
	// epochs begin at 1.
	epoch int
}

// lowest returns the lowest block of r that touches no holder in any cover. Every call must pass the same range and
// covers.
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

// epoch returns a positive number that grows whenever a cover shrinks.
func epoch(covers []*cover) int {
	now := 1
	for _, c := range covers {
		now += c.shrinks
	}
	return now
}

// firstClear returns the block's first address if no cover touches the block. Otherwise it returns the address at
// which to continue, according to the first cover that does.
func firstClear(block netip.Prefix, covers []*cover) netip.Addr {
	first, last := block.Addr(), netipx.PrefixLastIP(block)
	for _, c := range covers {
		if next := c.clear(first, last); next != first {
			return next
		}
	}
	return first
}

// alignUp returns the first address at or after a that begins a block. It is invalid when a is invalid, and when
// the address space ends first.
func alignUp(a netip.Addr, mask int) netip.Addr {
	block := netip.PrefixFrom(a, mask).Masked()
	if block.Addr() == a {
		return a
	}
	return netipx.PrefixLastIP(block).Next()
}
