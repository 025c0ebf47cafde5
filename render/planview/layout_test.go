package planview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What every picture promises, in pixels.
const (
	maxHeight   = 7000 // of a plan that no validation lets through
	sanePage    = 2500 // of one that it does, whatever its size
	minBox      = 10
	minFontSize = 13
)

func TestLayoutKeepsItsPromises(t *testing.T) {
	t.Parallel()
	for name, f := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := layOut(newAddressMap(f.cfg, f.plan))
			checkPicture(t, p)
			if name != "hostile" && p.page.h > sanePage {
				t.Errorf("the page is %d high", p.page.h)
			}
		})
	}
}

// checkPicture holds a picture to its promises.
func checkPicture(tb testing.TB, p *picture) {
	tb.Helper()
	if p.page.w != pageWidth || p.page.h < 600 || p.page.h > maxHeight {
		tb.Errorf("the page is %d x %d", p.page.w, p.page.h)
	}
	for _, flaw := range flaws("page", p.page) {
		tb.Error(flaw)
	}
}

// flaws are the broken promises in a box and all boxes in it.
func flaws(path string, b *box) []string {
	var found []string
	inside := area{0, 0, b.w, b.h, path}
	if b.look != "" && (b.w < minBox || b.h < minBox) {
		found = append(found, fmt.Sprintf("%s is only %d x %d", path, b.w, b.h))
	}
	var areas []area
	for i, k := range b.kids {
		at := fmt.Sprintf("%s/%s%d", path, k.look, i)
		areas = append(areas, area{k.x, k.y, k.w, k.h, at})
		found = append(found, flaws(at, k)...)
	}
	for _, l := range b.lines {
		x, y, w, h := l.extent()
		areas = append(areas, area{x, y, w, h, fmt.Sprintf("%s: %q", path, l.text)})
		if l.font.size < minFontSize {
			found = append(found, fmt.Sprintf("%s: %q is set in %d px", path, l.text, l.font.size))
		}
	}
	for _, a := range areas {
		if !inside.holds(a) {
			found = append(found, fmt.Sprintf("%s leaves its box", a.name))
		}
	}
	return append(found, overlaps(areas)...)
}

type area struct {
	x, y, w, h int
	name       string
}

func (a area) holds(b area) bool {
	return a.x <= b.x && a.y <= b.y && b.x+b.w <= a.x+a.w && b.y+b.h <= a.y+a.h
}

func (a area) touches(b area) bool {
	return a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h
}

// overlaps compares each area with those that begin before it ends.
func overlaps(areas []area) []string {
	var found []string
	slices.SortFunc(areas, func(a, b area) int { return cmp.Compare(a.y, b.y) })
	for i, a := range areas {
		for _, b := range areas[i+1:] {
			if b.y >= a.y+a.h {
				break
			}
			if a.touches(b) {
				found = append(found, fmt.Sprintf("%s overlaps %s", a.name, b.name))
			}
		}
	}
	return found
}

func TestFlawsAreFound(t *testing.T) {
	t.Parallel()
	f := fonts().small
	word := line{x: 5, y: 20, font: f, align: alignLeft, text: "word"}
	tests := map[string]struct {
		box  box
		want string
	}{
		"fine":           {box{w: 100, h: 50, look: "l2", lines: []line{word}, kids: []*box{{x: 60, y: 5, w: 20, h: 20}}}, ""},
		"sliver":         {box{w: 100, h: 3, look: "free"}, "only 100 x 3"},
		"text too long":  {box{w: 20, h: 50, lines: []line{word}}, "leaves its box"},
		"box outside":    {box{w: 50, h: 50, kids: []*box{{x: 40, w: 20, h: 20}}}, "leaves its box"},
		"boxes overlap":  {box{w: 50, h: 50, kids: []*box{{w: 20, h: 20}, {x: 19, y: 19, w: 20, h: 20}}}, "overlaps"},
		"text under box": {box{w: 99, h: 50, lines: []line{word}, kids: []*box{{x: 10, y: 10, w: 20, h: 20}}}, "overlaps"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(flaws("box", &tt.box), "\n")
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// words are all texts of a box, top to bottom as they were made.
func words(b *box) []string {
	var all []string
	for _, l := range b.lines {
		all = append(all, l.text)
	}
	for _, k := range b.kids {
		all = append(all, words(k)...)
	}
	return all
}

// count how often a look occurs in a box.
func looks(b *box, look string) int {
	n := 0
	if b.look == look {
		n++
	}
	for _, k := range b.kids {
		n += looks(k, look)
	}
	return n
}

func TestEveryNodeHasItsCards(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dual-stack", "per-pool", "per-node", "ha", "flat-ipv4", "manual-lb", "huge-ipv6"} {
		f := fixtures(t)[name]
		page := layOut(newAddressMap(f.cfg, f.plan)).page
		all := words(page)
		for i := range f.plan.Nodes {
			for _, cidr := range f.plan.Nodes[i].PodCIDRs {
				if !slices.Contains(all, cidr.String()) {
					t.Errorf("%s: %s is not in the picture", name, cidr)
				}
			}
			if !slices.Contains(all, f.plan.Nodes[i].Address.String()) {
				t.Errorf("%s: %s is not in the picture", name, f.plan.Nodes[i].Address)
			}
		}
		if got, want := looks(page, "badge"), 4*len(f.plan.Nodes); got != want {
			t.Errorf("%s: %d badges, want 4 for each node: %d", name, got, want)
		}
	}
}

func TestNothingIsShortened(t *testing.T) {
	t.Parallel()
	for name, f := range fixtures(t) {
		if name == "hostile" {
			continue
		}
		for _, s := range words(layOut(newAddressMap(f.cfg, f.plan)).page) {
			if strings.Contains(s, "…") {
				t.Errorf("%s: %q", name, s)
			}
		}
	}
}

func TestManyNodesAreSquares(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		at, most int
	}{{"nodes-500", 1000, 1020}, {"nodes-5000", 2000, 2030}} {
		f := fixtures(t)[tt.name]
		if n := looks(layOut(newAddressMap(f.cfg, f.plan)).page, "square"); n < tt.at || n > tt.most {
			t.Errorf("%s has %d squares, want %d to %d", tt.name, n, tt.at, tt.most)
		}
	}
}

func TestPerSquare(t *testing.T) {
	t.Parallel()
	for nodes, want := range map[int]int{1: 1, 1000: 1, 1001: 2, 5000: 5, 5001: 10, 100_000: 100} {
		if got := perSquare(nodes); got != want {
			t.Errorf("%d nodes: %d per square, want %d", nodes, got, want)
		}
	}
}

func TestPanelsEndTogether(t *testing.T) {
	t.Parallel()
	for name, f := range fixtures(t) {
		a := newAddressMap(f.cfg, f.plan)
		page := layOut(a).page
		var bottoms []int
		for _, panel := range page.kids[1:3] {
			last := panel.kids[len(panel.kids)-1]
			bottoms = append(bottoms, panel.y+last.y+last.h)
		}
		if bottoms[0] != bottoms[1] {
			t.Errorf("%s: services end at %d and %d", name, bottoms[0], bottoms[1])
		}
	}
}
