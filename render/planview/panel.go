package planview

import (
	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
)

// panel draws one family.
type panel struct {
	*addressMap
	*familyMap
	// drawn is how many ranges there are so far, and free how many parts of them are free.
	drawn, free int
	// spare is the height by which the free parts, of which it had sharers when it was last drawn, make the panel higher.
	spare, sharers int
}

// draw shows the family from top to bottom: what its mode means, the L2 domain, the island if
// there is one, services.
func (p *panel) draw() *box {
	p.drawn, p.free, p.sharers = 0, 0, max(1, p.free)
	b := newBox(panelWidth, 0, "")
	mode := map[bool]string{true: "flat", false: "island"}[p.flat]
	pill := &box{X: familyFont.width(string(p.family)) + 14, Y: 6, W: headingFont.width(mode) + 28, H: 30, Look: "pill " + mode}
	pill.Lines = []line{{X: pill.W / 2, Y: 21, Font: headingFont, Anchor: "middle", Text: mode}}
	b.Kids = []*box{pill}
	b.write(familyFont, string(p.family))
	b.write(bodyFont, p.sentence())
	b.skip(12)
	b.add(0, p.onL2())
	if !p.flat {
		b.add(0, p.wayNote(panelWidth, false), p.offL2())
	}
	if len(p.elsewhere) > 0 {
		c := container("elsewhere", "Load balancers of your own", smallFont, "on the L2 or beyond")
		c.lane(string(kindVIP), cards(laneWidth, p.elsewhere, addressCard))
		b.skip(16)
		b.add(0, c)
	}
	for i, cidr := range p.cfg.Network.Services {
		note := "virtual: they exist only inside the cluster"
		if i == 0 {
			note += "; a Service's family by default"
		}
		if api.FamilyOf(cidr.Addr()) == p.family {
			c := container("services", "Services", cidrFont, cidr.String())
			c.pair(smallFont, note, smallFont, addresses(netipx.RangeOfPrefix(cidr)))
			b.skip(16)
			b.add(0, c)
		}
	}
	return b
}

// container begins a box as wide as a panel, with a name and a remark.
func container(look, name string, f font, remark string) *box {
	b := newBox(panelWidth, containerPad, look)
	b.pair(headingFont, name, f, remark)
	b.skip(gap)
	return b
}

// onL2 is the L2 domain and what is known to be on it.
func (p *panel) onL2() *box {
	extent := "no address known yet"
	if p.l2.IsValid() {
		extent = "at least " + p.l2.String() + " (derived)"
	}
	b := container("l2", "L2 domain", minorFont, extent)
	p.lanes(b, p.landmarks)
	others := newBox(laneWidth, 8, "others") // Machines that the manifests do not know of are why the mode matters.
	others.left, others.right = 14, 14
	reach := map[bool]string{true: "reaches pods directly", false: "cannot reach pods"}[p.flat]
	others.pair(smallFont, "any other machine on this L2", strongFont, reach)
	b.skip(2 * gap)
	b.lane("Others", others)
	if p.flat {
		p.hidden(b)
	}
	return b
}

// offL2 holds the pod ranges that are not part of the L2.
func (p *panel) offL2() *box {
	extent := ""
	if pods := p.cfg.Network.Pods; pods.IsValid() && api.FamilyOf(pods.Addr()) == p.family {
		extent = pods.String()
	}
	b := container("island", "Island", minorFont, extent)
	p.lanes(b, p.island)
	p.hidden(b)
	return b
}

// hidden adds a line about the ranges for which there was no room.
func (p *panel) hidden(b *box) {
	b.more(len(p.ranges)-p.drawn, "range", "; the table of the plan has them all")
}

// wayNote draws how packets get from pods to the L2 and back. It is the one difference between the modes, so both are
// drawn the same way. Nodes answer for flat pods in the family's own protocol.
func (p *panel) wayNote(width int, podsAbove bool) *box {
	const up, down, closed = "M14 54V8M5 18L14 8L23 18", "M14 8V54M5 44L14 54L23 44", "M14 8V36M1 40H27"
	protocol := map[api.Family]string{api.IPv4: "ARP", api.IPv6: "NDP"}[p.family]
	type way struct{ look, path, strong, note string }
	ways := []way{
		{"way", up, "out, as the node", "NAT to the node's own address"}, {"way closed", closed, "no way in", "the L2 knows no pod addresses"},
	}
	if p.flat {
		ways = []way{{"way", up, "out, as the pod", "no NAT"}, {"way", down, "in, directly", "nodes answer " + protocol + " for pods"}}
	}
	if podsAbove {
		ways[0].path, ways[1].path = ways[1].path, ways[0].path
	}
	b := &box{W: width, H: noteHeight}
	for i, w := range ways {
		x := laneLabel + i*width/2
		b.Kids = append(b.Kids, &box{X: x, W: 28, H: noteHeight, Look: w.look, Stroke: w.path})
		b.Lines = append(b.Lines,
			line{X: x + 40, Y: 28, Font: strongFont, Text: w.strong}, line{X: x + 40, Y: 46, Font: smallFont, Text: w.note})
	}
	return b
}
