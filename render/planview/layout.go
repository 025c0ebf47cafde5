package planview

import (
	"fmt"
)

// The page, in pixels. Its width never changes, its height follows what is in it.
const (
	pageWidth    = 1600
	margin       = 56
	gutter       = 48
	panelWidth   = (pageWidth - 2*margin - gutter) / 2
	containerPad = 20
	laneLabel    = 60
)

// maxCards is up to how many nodes each node has cards of its own.
const maxCards = 24

// picture is the result of [layOut]: the page, and a description for readers who cannot see it.
type picture struct {
	page        *box
	title, desc string
}

// layout turns places into boxes.
type layout struct {
	*addressMap
	f fontBook
	// dense draws runs of nodes instead of one card for each.
	dense bool
	// perSquare is how many nodes one square of a run stands for.
	perSquare int
	// nested is how many more regions inside regions the family at hand has room for.
	nested int
	// parts is how many more stretches.
	parts int
}

// layOut draws up the page.
func layOut(a *addressMap) *picture {
	l := &layout{addressMap: a, f: fonts(), dense: len(a.plan.Nodes) > maxCards, perSquare: perSquare(len(a.plan.Nodes))}
	page := newColumn(pageWidth, margin, "page")
	page.add(l.header(page.w))
	page.skip(34)

	var panels, totals []*box
	for _, t := range a.families {
		panels = append(panels, l.panel(t))
		totals = append(totals, l.totals(t))
	}
	sameHeight(panels, totals)
	page.beside(panels)
	page.skip(24)
	page.beside(totals)
	page.skip(26)
	page.add(l.legend(page.w))

	return &picture{
		page:  page.done(),
		title: fmt.Sprintf("Address plan of cluster %s", a.plan.Cluster.Name),
		desc: fmt.Sprintf("%s (%s), %s. %s %s", plural(len(a.plan.Nodes), "node"), roleCounts(a.plan), modes(a.cfg),
			l.sentence(a.families[0]), l.sentence(a.families[1])),
	}
}
