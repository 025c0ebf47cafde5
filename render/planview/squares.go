package planview

import (
	"fmt"
	"slices"
)

// The squares of a run, in pixels.
const (
	squareSize = 11
	squareStep = 14
	// maxSquares is about how many squares a picture has in one family.
	maxSquares = 1000
)

// perSquare is how many nodes one square stands for: 1, 2, 5, 10, 20, ...
func perSquare(nodes int) int {
	for scale := 1; ; scale *= 10 {
		for _, n := range []int{scale, 2 * scale, 5 * scale} {
			if nodes <= n*maxSquares {
				return n
			}
		}
	}
}

// run is neighbouring blocks of one pool.
func (l *layout) run(width int, s stretch) *box {
	first, last := s.blocks[0].node, s.blocks[0].node
	for _, b := range s.blocks {
		if b.node.addr.Less(first.addr) {
			first = b.node
		}
		if last.addr.Less(b.node.addr) {
			last = b.node
		}
	}
	h := hueOf(first.pool)
	c := newColumn(width, 12, "run")
	c.box.fill, c.box.edge = h.tints[0], h.edge
	c.rangeLine(l.f, span(s.first, s.last), plural(len(s.blocks), "block"))
	c.pair(l.f.small, poolName(first.pool), l.f.minor, span(first.addr, last.addr))
	c.skip(6)
	l.squares(c, s.blocks)
	return c.done()
}

// mixed is a range whose blocks are too interleaved for runs: all of them in one field, then what
// is free, then the regions inside.
func (l *layout) mixed(c *column, r *region, depth int) {
	if len(r.blocks) > 0 {
		field := newColumn(c.w, 12, "run")
		field.rangeLine(l.f, span(r.blocks[0].cidr.Addr(), lastOf(r.blocks[len(r.blocks)-1].cidr)), plural(len(r.blocks), "block"))
		field.text(l.f.small, "nodes of several pools, in address order; gaps between them are left out")
		field.skip(6)
		l.squares(field, r.blocks)
		c.add(field.done())
		c.skip(gap)
	}
	hidden := 0
	for _, kid := range r.kids {
		hidden += l.inner(c, kid, depth)
	}
	l.hiddenRegions(c, hidden)
	if r.claims == nil {
		c.skip(-gap)
		return
	}
	free := newColumn(c.w, 8, "free")
	free.x, free.w, free.box.elastic = 14, c.w-28, true
	free.pair(l.f.strong, "free", l.f.small, use(r.claims[0].PlanRange))
	c.add(free.done())
}

// squares adds a square for every so many blocks.
func (l *layout) squares(c *column, blocks []podBlock) {
	columns := (c.w + squareStep - squareSize) / squareStep
	i := 0
	for group := range slices.Chunk(blocks, l.perSquare) {
		first, last := group[0], group[len(group)-1]
		tip := fmt.Sprintf("%s: node %s, %s", first.cidr, first.node.addr, poolName(first.node.pool))
		if len(group) > 1 {
			tip = fmt.Sprintf("%s – %s: %d nodes, %s – %s", first.cidr, last.cidr, len(group), first.node.addr, last.node.addr)
		}
		c.box.kids = append(c.box.kids, &box{
			x: c.x + i%columns*squareStep, y: c.y + i/columns*squareStep, w: squareSize, h: squareSize,
			look: "square", fill: hueOf(first.node.pool).strong, tip: tip,
		})
		i++
	}
	c.y += (i+columns-1)/columns*squareStep - (squareStep - squareSize)
}
