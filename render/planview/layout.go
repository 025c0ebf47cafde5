package planview

import "fmt"

// The page, in pixels. Its width never changes, its height follows what is in it.
const (
	pageWidth    = 1600
	margin       = 56
	gutter       = 48
	panelWidth   = (pageWidth - 2*margin - gutter) / 2
	containerPad = 20
	laneLabel    = 60
	laneWidth    = panelWidth - 2*containerPad - laneLabel
	noteHeight   = 62 // how far pods and the rest of the world are apart
)

// Bounds of what is drawn one by one.
const (
	maxCards     = 24   // nodes, up to which each has cards of its own
	maxSquares   = 1000 // of a family, about
	maxRows      = 8    // runs of nodes, ranges of a table
	maxKeys      = 12   // pools in the legend
	maxRanges    = 9    // of a family
	maxDepth     = 4    // of ranges inside ranges
	maxStretches = 12   // of a range
	maxClaims    = 4    // ClusterCIDRConfigs of a range
)

// picture is the result of [layOut]: the page, and a description for readers who cannot see it.
type picture struct {
	Page        *box
	Title, Desc string
}

// layOut draws up the page.
func layOut(a *addressMap) *picture {
	nodes, roles := plural(len(a.nodes), "node"), roleCounts(a.plan)
	page := newBox(pageWidth, margin, "page")
	header := newBox(page.inner(), 0, "")
	header.pair(labelFont, "ADDRESS PLAN", smallFont, "namespace "+a.plan.Cluster.Namespace)
	header.skip(4)
	header.pair(titleFont, a.plan.Cluster.Name, headingFont, nodes+": "+roles)
	page.add(0, header)
	page.skip(34)
	v4, v6 := &panel{addressMap: a, familyMap: a.families[0]}, &panel{addressMap: a, familyMap: a.families[1]}
	difference := v4.draw().H - v6.draw().H
	v4.spare, v6.spare = max(0, -difference), max(0, difference) // What both end with lies side by side.
	page.grid(gutter, 2, v4.draw(), v6.draw())
	page.skip(24)
	page.grid(gutter, 2, v4.totals(), v6.totals())
	page.skip(26)
	page.add(0, a.legend(page.inner()))
	return &picture{
		Page: page, Title: "Address plan of cluster " + a.plan.Cluster.Name,
		Desc: fmt.Sprintf("%s (%s), %s. %s %s", nodes, roles, modes(a.cfg), v4.sentence(), v6.sentence()),
	}
}

// sentence returns a sentence about the consequences of the family's mode for pods.
func (t *familyMap) sentence() string {
	if t.flat {
		return fmt.Sprintf("%s pods are part of the L2 domain: every machine on it reaches them.", t.family)
	}
	return fmt.Sprintf("%s pods are on an island: out through NAT, unreachable from outside.", t.family)
}

// totals is the table of a family's ranges.
func (t *familyMap) totals() *box {
	b := newBox(panelWidth, 0, "")
	b.skip(8)
	b.row(labelFont, labelFont, string(t.family)+" blocks", "", "per node", "blocks", "taken", "free")
	shown := t.ranges[:min(len(t.ranges), maxRows)]
	for _, r := range shown {
		free := count(r.Free)
		if r.Free.BitLen() <= plainBits { // Beyond plain numbers, as in 2^58 - 3, the share says nothing more.
			free += " (" + percent(r.Free, r.Blocks) + ")"
		}
		mask := fmt.Sprintf("/%d", r.PerNodeMaskSize)
		b.row(minorFont, smallFont, r.CIDR.String(), r.ClusterCIDRConfig, mask, count(r.Blocks), count(r.Allocated), free)
	}
	b.more(len(t.ranges)-len(shown), "range", "; the table of the plan has them all")
	return b
}

// row adds the cells of one range: two aligned left, four aligned right.
func (b *box) row(first, rest font, cells ...string) {
	places := []struct{ x, w int }{{0, 188}, {198, 164}, {440, 70}, {514, 72}, {574, 58}, {720, 142}}
	for i, s := range cells {
		cell := line{X: places[i].x, Y: b.H + first.leading()*3/4, Font: rest}
		if i == 0 {
			cell.Font = first
		}
		if i > 1 {
			cell.Anchor = "end"
		}
		cell.Text = cell.Font.fit(superscript(s), places[i].w)
		b.Lines = append(b.Lines, cell)
	}
	b.skip(first.leading() + 4)
}

// legend explains colours and marks.
func (a *addressMap) legend(width int) *box {
	const poolColumns, markColumns = 4, 5
	key := func(columns int, mark box, meaning string) *box {
		k := newBox((width+gap)/columns-gap, 0, "")
		mark.Y, mark.H = 1, 18
		k.Kids = []*box{&mark}
		k.left = mark.W + 8
		k.write(smallFont, meaning)
		return k
	}
	var pools []*box
	for _, p := range a.pools[:min(len(a.pools), maxKeys)] {
		name := p.name
		if p.use != name {
			name = p.use + " (" + name + ")"
		}
		mark := box{W: 18, Look: "square", Paint: paint(p.hue.strong, "none")}
		pools = append(pools, key(poolColumns, mark, name+": "+plural(p.nodes, "node")))
	}
	marks := []*box{
		key(markColumns, box{W: 26, Look: "vip"}, "VIP"),
		key(markColumns, box{W: 26, Look: "pool"}, "address pool for Services"),
		key(markColumns, box{W: 26, Look: "free"}, "free for nodes to come"),
		key(markColumns, box{W: 30, Stroke: "M0 9H7l3 -5l6 10l6 -10l3 5H30"}, "addresses of others, or unused"),
	}
	if a.families[0].unknown || a.families[1].unknown {
		marks = append(marks, key(markColumns, box{W: 26, Look: "node unknown"}, "address known after probe"))
	}
	note := "A schematic, not to scale: every range has room to be read, however small or large it is. " +
		"Addresses grow to the right and downwards."
	if n := a.perSquare(); n > 1 {
		note += fmt.Sprintf(" One square is %d nodes.", n)
	}
	b := newBox(width, 0, "")
	b.add(0, &box{W: width, H: 10, Look: "rule", Stroke: fmt.Sprintf("M0 5H%d", width)})
	b.skip(14)
	b.grid(gap, poolColumns, pools...)
	b.more(len(a.pools)-len(pools), "pool", "")
	b.skip(gap)
	b.grid(gap, markColumns, marks...)
	b.skip(14)
	b.write(smallFont, note)
	b.write(smallFont, "The L2 domain's prefix is derived from the addresses in it; the hosts know the real one, which may be wider.")
	return b
}
