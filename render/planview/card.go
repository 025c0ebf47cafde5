package planview

import (
	"cmp"
	"fmt"
	"strconv"
)

// card is a small box for one thing: what it is, and below a word on it.
type card struct {
	look, main, sub, tip string
	node                 *node // gives colours and a badge
}

// box draws the card; text that is too long is shortened. A width of 0 is as wide as the text. Three cards with IPv6
// blocks like fd12::1:100/120 fit side by side in a range.
func (c card) box(width int) *box {
	const pad, badgeSize = 8, 30
	b := &box{W: width, H: 10, Look: c.look, left: pad + 4, right: pad, pad: 5}
	if c.node != nil {
		b.left = pad + badgeSize + pad
	}
	if width == 0 {
		b.W = b.left + max(addressFont.width(c.main), smallFont.width(c.sub)) + b.right
	}
	b.write(addressFont, c.main)
	b.write(smallFont, c.sub)
	if c.node != nil {
		hue := c.node.pool.hue
		number := line{X: badgeSize / 2, Y: 20, Font: strongFont, Anchor: "middle", Fill: hue.ink, Text: strconv.Itoa(c.node.number)}
		b.Kids = []*box{{
			X: pad, Y: (b.H - badgeSize) / 2, W: badgeSize, H: badgeSize, Look: "badge", Paint: paint(hue.strong, "none"), Lines: []line{number},
		}}
		b.Paint = paint(c.node.tint, hue.edge)
	}
	b.Tip = cmp.Or(c.tip, b.Tip)
	return b
}

// cards returns a box with cards in up to three columns, as few as their text needs. One long address makes all cards
// wide: equal columns are easier to read than full rows.
func cards[T any](width int, all []T, card func(T) card) *box {
	widest := 0
	for _, one := range all {
		widest = max(widest, card(one).box(0).W)
	}
	columns := max(1, min(3, (width+gap)/(widest+gap)))
	var boxes []*box
	for _, one := range all {
		boxes = append(boxes, card(one).box((width+gap)/columns-gap))
	}
	b := newBox(width, 0, "")
	b.grid(gap, columns, boxes...)
	return b
}

// nodeCard shows a node on the L2.
func nodeCard(m marker) card {
	tip := fmt.Sprintf("node %d: %s, %s", m.node.number, m.node.addr, m.node.pool.use)
	c := card{node: m.node, look: "node", main: m.From().String(), sub: m.node.pool.use, tip: tip}
	if !m.IsValid() {
		c.look, c.main = "node unknown", "known after probe"
	}
	return c
}

// addressCard shows an address with its name.
func addressCard(m marker) card {
	looks := map[kind]string{kindVIP: "vip", kindClient: "client"}
	return card{main: m.From().String(), sub: m.name, look: looks[m.kind]}
}

// blockCard shows a node's block in a range.
func blockCard(p prefix) card {
	return card{
		node: p.node, look: "block", main: p.String(), sub: "node " + p.node.addr.String(),
		tip: fmt.Sprintf("%s: pods of node %d, %s, %s", p, p.node.number, p.node.addr, p.node.pool.use),
	}
}
