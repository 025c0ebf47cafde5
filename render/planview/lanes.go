package planview

import (
	"fmt"

	"go4.org/netipx"
)

// lane adds a word at the left and what belongs to it at the right.
func (b *box) lane(word string, content *box) {
	content.X = laneLabel
	b.add(0, &box{W: b.inner(), H: content.H, Kids: []*box{content}, Lines: []line{{Y: 21, Font: labelFont, Text: word}}})
}

// tear adds a line torn in the middle, which tells of addresses that are left out.
func (b *box) tear() {
	tear := fmt.Sprintf("M%d 5H%dl4 -5l8 10l8 -10l4 5H%d", laneLabel, laneLabel+laneWidth/2-12, laneLabel+laneWidth)
	b.skip(lineGap)
	b.add(0, &box{W: b.inner(), H: 10, Stroke: tear})
	b.skip(lineGap)
}

// lanes draws addresses of the L2 or of the island. The way between pods and the rest is drawn once, where they first meet.
func (p *panel) lanes(b *box, ms []marker) {
	all, ordered := lanes(ms)
	if !ordered {
		b.write(smallFont, "grouped by use, not in the order of addresses")
	}
	wayDrawn, podsAbove := false, false
	for i, lane := range all {
		content, pods := p.markers(lane), lane[0].kind == kindPods
		if content == nil {
			continue
		}
		switch {
		case i == 0:
		case podsAbove != pods && !wayDrawn:
			b.add(0, p.wayNote(b.inner(), podsAbove))
			wayDrawn = true
		case !lane[0].IsValid():
			b.skip(2 * gap)
		case all[i-1][len(all[i-1])-1].To().Next() != lane[0].From():
			b.tear()
		default:
			b.skip(gap)
		}
		podsAbove = pods
		b.lane(string(lane[0].kind), content)
	}
}

// markers shows what is in a lane; nil when there is no room for it.
func (p *panel) markers(lane []marker) *box {
	switch lane[0].kind {
	case kindPods:
		return p.region(lane[0].region, laneWidth, 0)
	case kindPool:
		return addressPools(lane)
	case kindNode:
		if len(p.nodes) > maxCards {
			return nodeRows(lane)
		}
		return cards(laneWidth, lane, nodeCard)
	default:
		return cards(laneWidth, lane, addressCard)
	}
}

// nodeRows shows nodes by a row for each run of neighbours of one pool.
func nodeRows(ms []marker) *box {
	var rows []*box
	for len(ms) > 0 && len(rows) < maxRows {
		pool := ms[0].node.pool
		run, rest := cut(ms, func(m marker) bool { return m.node.pool != pool })
		row := newBox(laneWidth, 8, "run unknown")
		addresses, remark := "known after probe", plural(len(run), "node")+", "+pool.use
		if run[0].IsValid() {
			row.Look, addresses = "run", span(netipx.IPRangeFrom(run[0].From(), run[len(run)-1].To()))
		}
		row.left, row.right = 34, 10
		row.Paint = paint(pool.hue.tints[0], pool.hue.edge)
		row.Kids = []*box{{X: 10, Y: 10, W: 14, H: 14, Look: "square", Paint: paint(pool.hue.strong, "none")}}
		row.rangeLine(addresses, remark)
		rows, ms = append(rows, row), rest
	}
	b := newBox(laneWidth, 0, "")
	b.add(lineGap, rows...)
	b.more(len(ms), "node", "")
	return b
}

// addressPools shows ranges for Services of type LoadBalancer, each with the VIPs in it. Ranges with
// a VIP are shown however many there are, for no VIP may be missing from the picture.
func addressPools(pools []marker) *box {
	var shown []*box
	for i, p := range pools {
		if i >= maxRows/2 && len(p.inner) == 0 {
			continue
		}
		pool := newBox(laneWidth, 12, "pool")
		pool.rangeLine(span(p.IPRange), addresses(p.IPRange))
		pool.write(smallFont, "address pool "+p.name)
		if len(p.inner) > 0 {
			pool.skip(8)
			pool.add(0, cards(pool.inner(), p.inner, addressCard))
		}
		shown = append(shown, pool)
	}
	b := newBox(laneWidth, 0, "")
	b.add(gap, shown...)
	b.more(len(pools)-len(shown), "range", "")
	return b
}
