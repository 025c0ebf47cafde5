package allocator

import (
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// cover counts how many holders every address of one family has. The count is a step function of
// the address, and only its steps are kept:
//
//	holders
//	   2             ┌──┐
//	   1       ┌─────┘  └─┐     ┌─────
//	   0  ─────┘          └─────┘
//	           a     b  c d     e         steps: a 1, b 2, c 1, d 0, e 1
//
// Neighbouring blocks melt into one run, so a range that is filled from below costs two steps
// however many blocks it has, and any mask difference is as good as any other. Counting, where one
// bit would do to tell what is taken, is what lets one of two colliding nodes go without taking the
// other's addresses with it.
//
// The steps lie in pages, a B-tree of two levels: an insertion moves a page, not the whole.
type cover struct {
	// pages are never empty; the last step of one is before the first of the next.
	pages [][]step
	// shrinks counts the times that addresses lost a holder.
	shrinks int
}

// step says how many holders the addresses from here to the next step have.
type step struct {
	from    netip.Addr
	holders int
}

// pageSize bounds the steps in a page: 4 KiB, small enough to move and large enough to be few.
const pageSize = 128

// place is the position of a step, or one past the last.
type place struct{ page, at int }

// change adds a holder to every address of a masked prefix (+1), or takes one away (-1), and reports
// whether any address had holders before.
func (c *cover) change(block netip.Prefix, by int) (shared bool) {
	if by < 0 {
		c.shrinks++
	}
	p, holders := c.begin(block.Addr(), by)
	shared = holders > 0
	end := netipx.PrefixLastIP(block).Next() // invalid at the end of the address space, which needs no step
	for s := c.step(p); s != nil && (!end.IsValid() || s.from.Less(end)); s = c.step(p) {
		holders = s.holders
		shared = shared || holders > 0
		s.holders += by
		p = c.next(p)
	}
	if end.IsValid() {
		c.end(p, step{end, holders}, by)
	}
	return shared
}

// begin changes the count from an address on, up to the next step. It gives the place of that step
// and the count before the change.
func (c *cover) begin(from netip.Addr, by int) (next place, holders int) {
	p := c.seek(from)
	below := c.below(p).holders
	s := c.step(p)
	if s == nil || s.from != from {
		return c.insert(p, step{from, below + by}), below
	}
	holders = s.holders
	s.holders += by
	if s.holders == below {
		return c.remove(p), holders
	}
	return c.next(p), holders
}

// end stops a change before the address of stop, from where on the count is the old one again.
func (c *cover) end(p place, stop step, by int) {
	s := c.step(p)
	switch {
	case s == nil || s.from != stop.from:
		c.insert(p, stop)
	case s.holders == stop.holders+by:
		c.remove(p)
	}
}

// clear gives first if no address from first to last has a holder. Otherwise it gives the first
// address, behind first, at which it is worth looking again; that is none, the invalid address, when
// everything to the end of the address space is held.
func (c *cover) clear(first, last netip.Addr) netip.Addr {
	if len(c.pages) == 0 {
		return first
	}
	p := c.seek(last)
	if s := c.step(p); s != nil && s.from == last {
		p = c.next(p)
	}
	switch here := c.below(p); {
	case here.holders == 0 && here.from.Compare(first) <= 0:
		return first
	case here.holders == 0:
		return here.from
	}
	if s := c.step(p); s != nil {
		return s.from
	}
	return netip.Addr{}
}

// touches reports whether any address of p has a holder.
func (c *cover) touches(p netip.Prefix) bool {
	return c.clear(p.Addr(), netipx.PrefixLastIP(p)) != p.Addr()
}

// runs gives the parts of a masked prefix that have holders, in order and no two of them adjacent.
func (c *cover) runs(prefix netip.Prefix) []netipx.IPRange {
	r := netipx.RangeOfPrefix(prefix)
	var runs []netipx.IPRange
	var from netip.Addr // where the current run began
	p := c.seek(r.From())
	if s := c.step(p); c.below(p).holders > 0 && (s == nil || s.from != r.From()) {
		from = r.From()
	}
	for s := c.step(p); s != nil && s.from.Compare(r.To()) <= 0; s = c.step(p) {
		switch {
		case s.holders > 0 && !from.IsValid():
			from = s.from
		case s.holders == 0 && from.IsValid():
			runs = append(runs, netipx.IPRangeFrom(from, s.from.Prev()))
			from = netip.Addr{}
		}
		p = c.next(p)
	}
	if from.IsValid() {
		runs = append(runs, netipx.IPRangeFrom(from, r.To()))
	}
	return runs
}

// seek gives the place of the first step at or behind an address.
func (c *cover) seek(a netip.Addr) place {
	page, found := slices.BinarySearchFunc(c.pages, a, func(page []step, a netip.Addr) int {
		return page[0].from.Compare(a)
	})
	if found || page == 0 {
		return place{page, 0}
	}
	before := c.pages[page-1]
	at, _ := slices.BinarySearchFunc(before, a, func(s step, a netip.Addr) int {
		return s.from.Compare(a)
	})
	if at == len(before) {
		return place{page, 0}
	}
	return place{page - 1, at}
}

// step gives the step at a place, or nil past the last.
func (c *cover) step(p place) *step {
	if p.page == len(c.pages) {
		return nil
	}
	return &c.pages[p.page][p.at]
}

// below gives the step before a place; before the first the count is zero.
func (c *cover) below(p place) step {
	switch {
	case p.at > 0:
		return c.pages[p.page][p.at-1]
	case p.page > 0:
		before := c.pages[p.page-1]
		return before[len(before)-1]
	}
	return step{}
}

// next gives the place behind p.
func (c *cover) next(p place) place {
	if p.at+1 < len(c.pages[p.page]) {
		return place{p.page, p.at + 1}
	}
	return place{p.page + 1, 0}
}

// insert puts a step at a place and gives the place behind it.
func (c *cover) insert(p place, s step) place {
	if p.at == 0 && p.page > 0 { // the end of the page before is as good, and cheaper
		p = place{p.page - 1, len(c.pages[p.page-1])}
	}
	if p.page == len(c.pages) {
		c.pages = append(c.pages, nil)
	}
	if page := c.pages[p.page]; len(page) == pageSize {
		half := slices.Clone(page[pageSize/2:])
		c.pages[p.page] = page[:pageSize/2]
		c.pages = slices.Insert(c.pages, p.page+1, half)
		if p.at > pageSize/2 {
			p = place{p.page + 1, p.at - pageSize/2}
		}
	}
	c.pages[p.page] = slices.Insert(c.pages[p.page], p.at, s)
	return c.next(p)
}

// remove takes the step at a place out and gives the place of the step behind it.
func (c *cover) remove(p place) place {
	page := slices.Delete(c.pages[p.page], p.at, p.at+1)
	c.pages[p.page] = page
	switch {
	case len(page) == 0:
		c.pages = slices.Delete(c.pages, p.page, p.page+1)
	case p.at == len(page):
		return place{p.page + 1, 0}
	}
	return p
}
