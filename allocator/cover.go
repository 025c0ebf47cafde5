package allocator

import (
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// cover counts the holders of every address of one family. The count is a step function of the address, and only
// its steps are stored:
//
//	holders
//	   2             ┌──┐
//	   1       ┌─────┘  └─┐     ┌─────
//	   0  ─────┘          └─────┘
//	           a     b  c d     e         steps: a 1, b 2, c 1, d 0, e 1
//
// Adjacent blocks merge into one run. A range that is filled from below therefore costs two steps however many
// blocks it has, and the difference between the mask lengths does not matter. One bit per address would tell what
// is occupied, but counting lets one of two colliding nodes be released without freeing the addresses that the
// other still holds.
//
// The steps are stored in pages, a B-tree of two levels: an insertion moves one page and not all steps.
type cover struct {
	// pages holds the steps in address order. No page is empty.
	pages [][]step
	// shrinks counts the changes that took a holder away. Searches compare it to learn whether their cursor is
	// still valid.
	shrinks int
}

// step is an address and the number of holders of every address from there to the next step.
type step struct {
	from    netip.Addr
	holders int
}

// pageSize is the maximum number of steps in a page, about 4 KiB: small enough to move at each insertion, large
// enough to keep the list of pages short.
const pageSize = 128

// place is the position of a step, or the position after the last one: the first of a page that does not exist.
type place struct{ page, at int }

// change adds a holder to every address of a masked prefix (by +1), or removes one (by -1). It reports whether any
// address had a holder before.
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

// begin changes the count at address from, up to the next step. It returns the place of that next step and the
// count before the change. A step that now equals the one below it is removed, to keep the steps minimal.
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

// end stops a change at the address of stop, where the previous count applies again. It adds the step that this
// needs, or removes one that the change made redundant.
func (c *cover) end(p place, stop step, by int) {
	s := c.step(p)
	switch {
	case s == nil || s.from != stop.from:
		c.insert(p, stop)
	case s.holders == stop.holders+by:
		c.remove(p)
	}
}

// clear returns first if no address from first to last has a holder. Otherwise it returns the lowest address after
// first at which the next search may start. That is the invalid address when everything up to the end of the
// address space has a holder.
//
// It looks at a single step, the last one at or before last, so that a search skips whole runs at the cost of one
// lookup each.
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

// runs returns the parts of a masked prefix that have holders, in address order. No two of them are adjacent.
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

// seek returns the place of the first step at or after an address.
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

// step returns the step at a place, or nil after the last one. The pointer is valid until the next insert or
// remove.
func (c *cover) step(p place) *step {
	if p.page == len(c.pages) {
		return nil
	}
	return &c.pages[p.page][p.at]
}

// below returns the step before a place. Before the first step it returns the zero step, whose count is zero.
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

// next returns the place after p.
func (c *cover) next(p place) place {
	if p.at+1 < len(c.pages[p.page]) {
		return place{p.page, p.at + 1}
	}
	return place{p.page + 1, 0}
}

// insert adds a step at a place and returns the place after it. A full page is split in half.
func (c *cover) insert(p place, s step) place {
	if p.at == 0 && p.page > 0 { // the end of the previous page is the same position, and cheaper to insert at
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

// remove deletes the step at a place and returns the place of the step that followed it.
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
