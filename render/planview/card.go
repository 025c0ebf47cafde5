package planview

import (
	"fmt"
	"strconv"

	"github.com/dualstrap/dualstrap/api"
)

// card is a small box for one thing: what it is, and below a word on it.
type card struct {
	main  string
	sub   string
	tip   string
	look  string
	node  *node // gives colours and a badge
	width int
}

// The measures of a card, in pixels. Three cards with IPv6 blocks like fd12::1:100/120 fit side by
// side in a range.
const (
	cardPad    = 8
	badgeSize  = 30
	cardHeight = 50
)

// needs is the width the card takes to show its text in full.
func (c card) needs(f fontBook) int {
	return c.textStart() + max(f.address.width(c.main), f.small.width(c.sub)) + cardPad
}

// textStart is where text begins: behind the badge if there is one.
func (c card) textStart() int {
	if c.node != nil {
		return cardPad + badgeSize + cardPad
	}
	return cardPad + 4
}

// box draws the card at its width; text that is too long is shortened.
func (c card) box(f fontBook) *box {
	b := &box{w: c.width, h: cardHeight, look: c.look, tip: c.tip}
	room := c.width - c.textStart() - cardPad
	b.lines = []line{
		{x: c.textStart(), y: 22, font: f.address, align: alignLeft, text: f.address.fit(c.main, room)},
		{x: c.textStart(), y: 40, font: f.small, align: alignLeft, text: f.small.fit(c.sub, room)},
	}
	if c.node != nil {
		h := hueOf(c.node.pool)
		b.fill, b.edge = c.node.tint(), h.edge
		b.kids = []*box{{
			x: cardPad, y: (cardHeight - badgeSize) / 2, w: badgeSize, h: badgeSize, look: "badge", fill: h.strong,
			lines: []line{{x: badgeSize / 2, y: 20, font: f.badge, align: alignMiddle, text: strconv.Itoa(c.node.number), color: h.ink}},
		}}
	}
	return b
}

// cards lays cards out in up to three columns, as few as their text needs.
func (c *column) cards(f fontBook, all []card) {
	columns := 3
	for ; columns > 1; columns-- {
		width := (c.w - gap*(columns-1)) / columns
		if !anyWider(f, all, width) {
			break
		}
	}
	boxes := make([]*box, len(all))
	for i, card := range all {
		card.width = (c.w - gap*(columns-1)) / columns
		boxes[i] = card.box(f)
	}
	c.grid(boxes, columns)
}

// anyWider reports whether any card needs more than a width. One long address makes all cards of a
// grid wide: equal columns are easier to read than full rows.
func anyWider(f fontBook, all []card, width int) bool {
	for _, c := range all {
		if c.needs(f) > width {
			return true
		}
	}
	return false
}

// nodeCard shows a node on the L2.
func nodeCard(n *node, family api.Family) card {
	c := card{node: n, look: "node", sub: poolName(n.pool)}
	if addr := n.in(family); addr.IsValid() {
		c.main = addr.String()
		c.tip = fmt.Sprintf("node %d: %s, %s", n.number, c.main, c.sub)
		return c
	}
	c.look, c.main = "node unknown", "known after probe"
	c.tip = fmt.Sprintf("node %d: %s, %s; its %s address is known after probe", n.number, n.addr, c.sub, family)
	return c
}

// blockCard shows a node's block in a range.
func blockCard(b podBlock) card {
	return card{
		node: b.node, look: "block", main: b.cidr.String(), sub: "node " + b.node.addr.String(),
		tip: fmt.Sprintf("%s: pods of node %d, %s, %s", b.cidr, b.node.number, b.node.addr, poolName(b.node.pool)),
	}
}

// poolName returns a description of the nodes of a pool.
func poolName(p *nodePool) string {
	switch p.role {
	case api.RoleControlPlane:
		return "control plane"
	case api.RoleLoadBalancer:
		return "load balancer"
	case api.RoleWorker:
	}
	return p.name
}
