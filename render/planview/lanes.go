package planview

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/dualstrap/dualstrap/api"
)

// maxRows bounds how many runs or cards of one kind are drawn one by one.
const maxRows = 8

// markers shows what is in a lane.
func (l *layout) markers(c *column, ln lane, family api.Family) {
	switch ln.kind {
	case kindPods:
		c.add(l.region(ln.landmarks[0].region, c.w, 0))
	case kindNode:
		nodes := make([]*node, len(ln.landmarks))
		for i, m := range ln.landmarks {
			nodes[i] = m.node
		}
		l.nodes(c, nodes, family)
	case kindPool:
		l.addressPools(c, ln.landmarks)
	case kindVIP, kindClient:
		var all []card
		for _, m := range ln.landmarks {
			look := "vip"
			if ln.kind == kindClient {
				look = "client"
			}
			all = append(all, card{main: m.first.String(), sub: m.name, look: look, tip: m.name + ": " + m.first.String()})
		}
		c.cards(l.f, all)
	}
}

// nodes shows nodes by cards or, when there are too many, by runs.
func (l *layout) nodes(c *column, nodes []*node, family api.Family) {
	if l.dense {
		l.nodeRuns(c, nodes, family)
		return
	}
	var all []card
	for _, n := range nodes {
		all = append(all, nodeCard(n, family))
	}
	c.cards(l.f, all)
}

// nodeRuns shows nodes with neighbouring addresses as one row per pool.
func (l *layout) nodeRuns(c *column, nodes []*node, family api.Family) {
	var runs [][]*node
	for i, n := range nodes {
		if i == 0 || nodes[i-1].pool != n.pool {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], n)
	}
	shown := runs[:min(len(runs), maxRows)]
	for i, run := range shown {
		if i > 0 {
			c.skip(6)
		}
		c.add(l.runRow(c.w, run, span(run[0].in(family), run[len(run)-1].in(family))))
	}
	if rest := runs[len(shown):]; len(rest) > 0 {
		n := 0
		for _, run := range rest {
			n += len(run)
		}
		c.skip(6)
		c.text(l.f.small, fmt.Sprintf("and %s in %s", plural(n, "more node"), plural(len(rest), "more run")))
	}
}

// runRow is one run of nodes of one pool.
func (l *layout) runRow(width int, run []*node, addresses string) *box {
	h := hueOf(run[0].pool)
	row := newColumn(width, 8, "run")
	row.box.fill, row.box.edge = h.tints[0], h.edge
	row.box.tip = fmt.Sprintf("%s: %s, %s", addresses, plural(len(run), "node"), poolName(run[0].pool))
	row.x, row.w = 34, width-44
	row.box.kids = []*box{{x: 10, y: 10, w: 14, h: 14, look: "square", fill: h.strong}}
	right := plural(len(run), "node") + ", " + poolName(run[0].pool)
	row.rangeLine(l.f, addresses, right)
	return row.done()
}

// rangeLine writes a range of addresses and a remark, on as many lines as they need.
func (c *column) rangeLine(f fontBook, addresses, right string) {
	first, last, _ := strings.Cut(addresses, " – ")
	switch {
	case f.address.width(addresses)+12+f.small.width(right) <= c.w:
		c.pair(f.address, addresses, f.small, right)
	case f.address.width(addresses) <= c.w:
		c.text(f.address, addresses)
		c.text(f.small, right)
	default:
		c.text(f.address, first+" –")
		c.pair(f.address, last, f.small, right)
	}
}

// unknown shows nodes whose address is known after probe.
func (l *layout) unknown(c *column, t *familyMap) {
	if !l.dense {
		l.nodes(c, t.unknown, t.family)
		return
	}
	inPool := map[*nodePool][]*node{}
	for _, n := range t.unknown {
		inPool[n.pool] = append(inPool[n.pool], n)
	}
	rows, left := 0, len(t.unknown)
	for _, p := range l.pools {
		if len(inPool[p]) == 0 || rows == maxRows {
			continue
		}
		if rows > 0 {
			c.skip(6)
		}
		row := l.runRow(c.w, inPool[p], "known after probe")
		row.look = "run unknown"
		c.add(row)
		rows++
		left -= len(inPool[p])
	}
	if left > 0 {
		c.skip(6)
		c.text(l.f.small, "and "+plural(left, "more node"))
	}
}

// addressPools shows ranges for Services of type LoadBalancer, each with the VIPs in it. Ranges with
// a VIP are shown however many there are, for no VIP may be missing from the picture.
func (l *layout) addressPools(c *column, pools []marker) {
	hidden := 0
	for i, p := range pools {
		if i >= maxRows/2 && len(p.inner) == 0 {
			hidden++
			continue
		}
		if i > 0 {
			c.skip(gap)
		}
		c.add(l.addressPool(c.w, p))
	}
	if hidden > 0 {
		c.skip(6)
		c.text(l.f.small, "and "+plural(hidden, "more range"))
	}
}

// addressPool is one range of a pool.
func (l *layout) addressPool(width int, p marker) *box {
	c := newColumn(width, 12, "pool")
	c.box.tip = fmt.Sprintf("%s: %s", p.name, span(p.first, p.last))
	c.rangeLine(l.f, span(p.first, p.last), addresses(p.first, p.last))
	c.text(l.f.small, "address pool "+p.name)
	if len(p.inner) > 0 {
		c.skip(8)
		l.markers(c, lane{kind: kindVIP, landmarks: p.inner}, api.FamilyOf(p.first))
	}
	return c.done()
}

// addresses returns the number of addresses from first to last, as text.
func addresses(first, last netip.Addr) string {
	if first == last {
		return "1 address"
	}
	return superscript(count(sizeOf(first, last))) + " addresses"
}
