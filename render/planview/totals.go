package planview

import (
	"fmt"
	"strings"

	"github.com/dualstrap/dualstrap/api"
)

// maxTotals bounds the rows of [layout.totals].
const maxTotals = 8

// totals is the table of a family's ranges.
func (l *layout) totals(t *familyMap) *box {
	c := newColumn(panelWidth, 0, "totals")
	c.skip(8)
	l.row(c, l.f.label, [6]string{string(t.family) + " blocks", "", "per node", "blocks", "taken", "free"})
	shown := t.ranges[:min(len(t.ranges), maxTotals)]
	for _, r := range shown {
		l.row(c, l.f.minor, [6]string{
			r.CIDR.String(), r.ClusterCIDRConfig, mask(r.PerNodeMaskSize), count(r.Blocks), count(r.Allocated), freeOf(r),
		})
	}
	if rest := len(t.ranges) - len(shown); rest > 0 {
		c.text(l.f.small, fmt.Sprintf("and %s; the table of the plan has them all", plural(rest, "more range")))
	}
	return c.done()
}

// freeOf writes what is left of a range. Beyond plain numbers, as in 2^58 - 3, the share says nothing
// more.
func freeOf(r *api.PlanRange) string {
	if r.Free.BitLen() > plainBits {
		return count(r.Free)
	}
	return count(r.Free) + " (" + percent(r.Free, r.Blocks) + ")"
}

// row writes the cells of one range: two aligned left, four aligned right.
func (l *layout) row(c *column, f font, cells [6]string) {
	type place struct{ x, w int }
	places := [6]place{{0, 188}, {198, 164}, {440, 70}, {514, 72}, {574, 58}, {720, 142}}
	baseline := c.y + f.leading()*3/4
	for i, s := range cells {
		ln := line{x: places[i].x, y: baseline, font: f, align: alignLeft}
		switch {
		case i > 1:
			ln.align = alignRight
			fallthrough
		case i == 1:
			if f.mono {
				ln.font = l.f.small
			}
		}
		if ln.text = ln.font.fit(superscript(s), places[i].w); ln.text != "" {
			c.box.lines = append(c.box.lines, ln)
		}
	}
	c.y += f.leading() + 4
}

// sameHeight makes the first two panels equally high and the first two tables as well, so that
// what they end with lies side by side.
func sameHeight(pairs ...[]*box) {
	for _, pair := range pairs {
		height := max(pair[0].h, pair[1].h)
		for _, b := range pair {
			if b.h < height && !b.grow(height-b.h) {
				b.h = height
			}
		}
	}
}

// legend explains colours and marks.
func (l *layout) legend(width int) *box {
	c := newColumn(width, 0, "legend")
	c.add(&box{w: width, h: 10, look: "rule", stroke: fmt.Sprintf("M0 5H%d", width)})
	c.skip(14)
	l.flow(c, l.poolKeys())
	c.skip(10)
	l.flow(c, l.markKeys())
	c.skip(14)
	note := "A schematic, not to scale: every range has room to be read, however small or large it is. " +
		"Addresses grow to the right and downwards."
	if l.perSquare > 1 {
		note += fmt.Sprintf(" One square is %d nodes.", l.perSquare)
	}
	c.text(l.f.small, note)
	c.text(l.f.small, "The L2 domain's prefix is derived from the addresses in it; the hosts know the real one, which may be wider.")
	return c.done()
}

// maxKeys bounds how many pools the legend names.
const maxKeys = 12

// poolKeys explain the hues.
func (l *layout) poolKeys() []*box {
	var keys []*box
	for i, p := range l.pools {
		if i == maxKeys {
			keys = append(keys, l.key(nil, plural(len(l.pools)-maxKeys, "more pool")))
			break
		}
		name := p.name
		if p.role != api.RoleWorker {
			name = poolName(p) + " (" + p.name + ")"
		}
		keys = append(keys, l.key(&box{w: 18, h: 18, look: "square", fill: hueOf(p).strong}, name+": "+plural(p.nodes, "node")))
	}
	return keys
}

// markKeys explain outlines and patterns.
func (l *layout) markKeys() []*box {
	keys := []*box{
		l.key(&box{w: 26, h: 18, look: "vip"}, "VIP"),
		l.key(&box{w: 26, h: 18, look: "pool"}, "address pool for Services"),
		l.key(&box{w: 26, h: 18, look: "free"}, "free for nodes to come"),
		l.key(&box{w: 30, h: 18, stroke: "M0 9H7l3 -5l6 10l6 -10l3 5H30"}, "addresses left out: other machines, or unused"),
	}
	for _, t := range l.families {
		if len(t.unknown) > 0 {
			return append(keys, l.key(&box{w: 26, h: 18, look: "node unknown"}, "address known after probe"))
		}
	}
	return keys
}

// key is a mark and what it means.
func (l *layout) key(mark *box, meaning string) *box {
	b := &box{h: 20, tip: meaning}
	x := 0
	if mark != nil {
		mark.y = 1
		b.kids = []*box{mark}
		x = mark.w + 8
	}
	text := l.f.small.fit(strings.TrimSpace(meaning), 420)
	b.lines = []line{{x: x, y: 15, font: l.f.small, align: alignLeft, text: text}}
	b.w = x + l.f.small.width(text)
	return b
}

// flow adds boxes side by side, in as many rows as they need.
func (l *layout) flow(c *column, boxes []*box) {
	x := 0
	for _, b := range boxes {
		if x > 0 && x+b.w > c.w {
			x = 0
			c.y += b.h + 6
		}
		b.x, b.y = c.x+x, c.y
		x += b.w + 30
		c.box.kids = append(c.box.kids, b)
	}
	c.y += 20
}
