package planview

import (
	"fmt"

	"github.com/dualstrap/dualstrap/api"
)

// header is the picture's title.
func (l *layout) header(width int) *box {
	c := newColumn(width, 0, "")
	c.pair(l.f.label, "ADDRESS PLAN", l.f.small, "namespace "+l.plan.Cluster.Namespace)
	c.skip(4)
	c.pair(l.f.title, l.plan.Cluster.Name, l.f.heading, l.headcount())
	c.box.tip = l.plan.Cluster.Name
	return c.done()
}

// headcount returns the number of nodes and their roles, as text.
func (l *layout) headcount() string {
	return plural(len(l.plan.Nodes), "node") + ": " + roleCounts(l.plan)
}

// panel shows one family from top to bottom: what its mode means, the L2 domain, the island if
// there is one, services.
func (l *layout) panel(t *familyMap) *box {
	l.nested, l.parts = maxNested, maxParts
	c := newColumn(panelWidth, 0, "")
	l.pill(c, t)
	c.pair(l.f.family, string(t.family), l.f.body, "")
	c.text(l.f.body, l.sentence(t))
	c.skip(12)
	c.add(l.l2(t))
	if !t.flat {
		c.add(l.trafficNote(panelWidth, islandNote()))
		c.add(l.island(t))
	}
	if len(t.elsewhere) > 0 {
		c.skip(16)
		c.add(l.elsewhere(t))
	}
	for _, s := range t.services {
		c.skip(16)
		c.add(l.services(s))
	}
	return c.done()
}

// pill names the mode beside the family, in the colours of what pods are on.
func (l *layout) pill(c *column, t *familyMap) {
	mode, look := "island", "pill island"
	if t.flat {
		mode, look = "flat", "pill l2"
	}
	width := l.f.heading.width(mode) + 28
	c.box.kids = append(c.box.kids, &box{
		x: c.x + l.f.family.width(string(t.family)) + 14, y: c.y + 6, w: width, h: 30, look: look,
		lines: []line{{x: width / 2, y: 21, font: l.f.heading, align: alignMiddle, text: mode}},
	})
}

// sentence returns a sentence about the consequences of the family's mode for pods.
func (l *layout) sentence(t *familyMap) string {
	if t.flat {
		return fmt.Sprintf("%s pods are part of the L2 domain: every machine on it reaches them.", t.family)
	}
	return fmt.Sprintf("%s pods are on an island: out through NAT, unreachable from outside.", t.family)
}

// l2 is the L2 domain and what is known to be on it.
func (l *layout) l2(t *familyMap) *box {
	c := newColumn(panelWidth, containerPad, "l2")
	extent := "no address known yet"
	if t.l2.IsValid() {
		extent = "at least " + t.l2.String() + " (derived)"
	}
	c.pair(l.f.heading, "L2 domain", l.f.minor, extent)
	c.box.tip = "L2 domain, " + extent + ": the smallest prefix that holds the addresses in it; the hosts know the real one"
	c.skip(10)
	landmarks, hidden := fewer(t.landmarks)
	all, ordered := lanes(landmarks)
	if !ordered {
		c.text(l.f.small, "grouped by use, not in the order of addresses")
	}
	l.lanes(c, t, all)
	l.others(c, t)
	if hidden > 0 {
		c.skip(gap)
		l.hiddenRegions(c, hidden)
	}
	return c.done()
}

// lanes draws the lanes of the L2 and, below them, nodes whose address is unknown. The way between
// pods and the rest is drawn once, where they first meet.
func (l *layout) lanes(c *column, t *familyMap, all []lane) {
	if len(t.unknown) > 0 {
		all = append(all, lane{kind: kindNode, unknown: true})
	}
	wayDrawn := false
	for i, lane := range all {
		if i > 0 {
			podsAbove := all[i-1].kind == kindPods
			switch {
			case podsAbove != (lane.kind == kindPods) && !wayDrawn:
				c.add(l.trafficNote(c.w, flatNote(t.family, podsAbove)))
				wayDrawn = true
			case lane.unknown:
				c.skip(2 * gap)
			default:
				between(c, lane.apart)
			}
		}
		l.lane(c, string(lane.kind), func(content *column) {
			if lane.unknown {
				l.unknown(content, t)
			} else {
				l.markers(content, lane, t.family)
			}
		})
	}
}

// others are the machines that the manifests do not know of. They are why the mode matters.
func (l *layout) others(c *column, t *familyMap) {
	reach := "cannot reach pods"
	if t.flat {
		reach = "reaches pods directly"
	}
	c.skip(2 * gap)
	l.lane(c, "Others", func(content *column) {
		b := newColumn(content.w, 8, "others")
		b.x, b.w = 14, content.w-28
		b.pair(l.f.small, "any other machine on this L2", l.f.strong, reach)
		content.add(b.done())
	})
}

// lane is a word at the left and what belongs to it at the right.
func (l *layout) lane(c *column, label string, fill func(content *column)) {
	content := newColumn(c.w-laneLabel, 0, "")
	fill(content)
	b := content.done()
	row := &box{w: c.w, h: b.h, kids: []*box{b}}
	b.x = laneLabel
	row.lines = []line{{x: 0, y: 21, font: l.f.label, align: alignLeft, text: label}}
	c.add(row)
}

// between separates lanes; a torn line tells of addresses that are left out.
func between(c *column, apart bool) {
	if !apart {
		c.skip(gap)
		return
	}
	c.skip(6)
	c.add(tear(c.w))
	c.skip(6)
}

// tear is a line torn in the middle.
func tear(width int) *box {
	m := laneLabel + (width-laneLabel)/2
	return &box{w: width, h: 10, stroke: fmt.Sprintf("M%d 5H%dl4 -5l8 10l8 -10l4 5H%d", laneLabel, m-12, width)}
}

// island holds the pod ranges that are not part of the L2.
func (l *layout) island(t *familyMap) *box {
	c := newColumn(panelWidth, containerPad, "island")
	extent := ""
	if p := l.cfg.Network.Pods; p.IsValid() && api.FamilyOf(p.Addr()) == t.family {
		extent = p.String()
	}
	c.pair(l.f.heading, "Island", l.f.minor, extent)
	c.skip(10)
	for i, r := range t.island[:min(len(t.island), maxRegions)] {
		if i > 0 {
			between(c, true)
		}
		l.lane(c, string(kindPods), func(content *column) { content.add(l.region(r, content.w, 0)) })
	}
	hidden := 0
	for _, r := range t.island[min(len(t.island), maxRegions):] {
		hidden += r.size()
	}
	if hidden > 0 {
		c.skip(gap)
		l.hiddenRegions(c, hidden)
	}
	return c.done()
}

// elsewhere shows addresses of load balancers that the operator runs.
func (l *layout) elsewhere(t *familyMap) *box {
	c := newColumn(panelWidth, containerPad, "elsewhere")
	c.pair(l.f.heading, "Load balancers of your own", l.f.small, "on the L2 or beyond")
	c.skip(10)
	l.lane(c, string(kindVIP), func(content *column) {
		l.markers(content, lane{kind: kindVIP, landmarks: t.elsewhere}, t.family)
	})
	return c.done()
}

// services is a range that exists only inside the cluster.
func (l *layout) services(s services) *box {
	c := newColumn(panelWidth, containerPad, "services")
	c.pair(l.f.heading, "Services", l.f.cidr, s.cidr.String())
	note := "virtual: they exist only inside the cluster"
	if s.preferred {
		note += "; a Service's family by default"
	}
	c.skip(2)
	c.pair(l.f.small, note, l.f.small, addresses(s.cidr.Addr(), lastOf(s.cidr)))
	return c.done()
}
