package planview

import (
	"fmt"
	"strings"

	"github.com/dualstrap/dualstrap/api"
)

// Bounds of what is drawn one by one.
const (
	maxRegions   = 5 // of a family that are in no other
	maxNested    = 8 // of a family that are
	maxDepth     = 4
	maxStretches = 12 // of a region
	maxParts     = 24 // stretches of a family
	maxClaims    = 4
)

// region is a pod range with everything in it, in address order.
func (l *layout) region(r *region, width, depth int) *box {
	c := newColumn(width, 14, "region")
	if depth > 0 {
		c.box.look = "region nested"
	}
	l.regionHead(c, r)
	c.skip(8)
	switch {
	case r.within != nil:
		c.text(l.f.small, "lies in the block of node "+r.within.node.addr.String()+", "+r.within.cidr.String())
	case l.dense:
		l.runs(c, r, depth)
	default:
		l.blocks(c, r, depth)
	}
	return c.done()
}

// regionHead names the range and the ClusterCIDRConfigs it belongs to.
func (l *layout) regionHead(c *column, r *region) {
	if r.claims == nil {
		c.text(l.f.heading, "Outside every range")
		return
	}
	first := r.claims[0]
	c.pair(l.f.cidr, r.cidr().String(), l.f.small, use(first.PlanRange))
	var tips []string
	for i, cl := range r.claims {
		what := cl.ClusterCIDRConfig + ": " + shortSelector(cl.selector)
		if i < maxClaims {
			c.pair(l.f.small, what, l.f.small, mask(cl.PerNodeMaskSize)+" per node")
		}
		tips = append(tips, fmt.Sprintf("%s: %s, %s per node, %s",
			cl.ClusterCIDRConfig, cl.selector, mask(cl.PerNodeMaskSize), use(cl.PlanRange)))
	}
	if rest := len(r.claims) - maxClaims; rest > 0 {
		c.text(l.f.small, "and "+plural(rest, "more ClusterCIDRConfig"))
	}
	c.box.tip = r.cidr().String() + "\n" + strings.Join(tips, "\n")
}

// use returns the number of free blocks of a range, as text.
func use(r *api.PlanRange) string {
	return superscript(fmt.Sprintf("%s of %s blocks free", count(r.Free), count(r.Blocks)))
}

// shortSelector leaves out the well-known prefix of labels.
func shortSelector(s string) string {
	return strings.ReplaceAll(s, strings.TrimSuffix(api.LabelNodePool, "node-pool"), "")
}

// blocks draws a card for every block.
func (l *layout) blocks(c *column, r *region, depth int) {
	together := func(podBlock, podBlock) bool { return true }
	l.stretches(c, r.stretches(together), depth, func(s stretch) {
		var all []card
		for _, b := range s.blocks {
			all = append(all, blockCard(b))
		}
		c.cards(l.f, all)
	})
}

// runs draws a run of squares for neighbouring blocks of one pool.
func (l *layout) runs(c *column, r *region, depth int) {
	all := r.stretches(func(a, b podBlock) bool { return a.node.pool == b.node.pool })
	if len(all) > min(maxStretches, l.parts) {
		l.mixed(c, r, depth)
		return
	}
	l.parts -= len(all)
	l.stretches(c, all, depth, func(s stretch) { c.add(l.run(c.w, s)) })
}

// stretches draws the parts of a region one below the other; taken draws those with blocks.
func (l *layout) stretches(c *column, all []stretch, depth int, taken func(stretch)) {
	hidden := 0
	for _, s := range all {
		switch {
		case s.region != nil:
			hidden += l.inner(c, s.region, depth)
			continue
		case s.blocks != nil:
			taken(s)
		default:
			c.add(l.free(c.w, s))
		}
		c.skip(gap)
	}
	l.hiddenRegions(c, hidden)
	c.skip(-gap)
}

// inner draws a region inside another one. If there is no room for it, it tells how many regions
// that hides.
func (l *layout) inner(c *column, r *region, depth int) (hidden int) {
	if depth+1 == maxDepth || l.nested == 0 {
		return r.size()
	}
	l.nested--
	c.add(l.region(r, c.w, depth+1))
	c.skip(gap)
	return 0
}

// hiddenRegions adds a line about the regions for which there is no room.
func (l *layout) hiddenRegions(c *column, n int) {
	if n > 0 {
		c.text(l.f.small, "and "+plural(n, "more range")+"; the table of the plan has them all")
		c.skip(gap)
	}
}

// free is a part of a range that no node has.
func (l *layout) free(width int, s stretch) *box {
	c := newColumn(width, 8, "free")
	c.x, c.w = 14, width-28
	c.box.elastic = true
	right := "free"
	if s.fits != nil {
		right = superscript(count(s.fits)) + " free"
	}
	c.box.tip = span(s.first, s.last) + ": " + right
	c.rangeLine(l.f, span(s.first, s.last), right)
	return c.done()
}
