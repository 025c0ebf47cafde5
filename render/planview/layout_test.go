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
			if name != "hostile" && p.Page.H > sanePage {
				t.Errorf("the page is %d high", p.Page.H)
			}
		})
	}
}

// checkPicture holds a picture to its promises.
func checkPicture(tb testing.TB, p *picture) {
	tb.Helper()
	if p.Page.W != pageWidth || p.Page.H < 600 || p.Page.H > maxHeight {
		tb.Errorf("the page is %d x %d", p.Page.W, p.Page.H)
	}
	for _, flaw := range flaws("page", p.Page) {
		tb.Error(flaw)
	}
}

// extent is the rectangle that a line of text covers at most.
func (l line) extent() (x, y, w, h int) {
	w = l.Font.width(l.Text)
	x = l.X - map[string]int{"middle": w / 2, "end": w}[l.Anchor]
	// From the height of capitals to the depth of descenders; leading is space between lines.
	return x, l.Y - l.Font.size()*4/5, w, l.Font.size() * 21 / 20
}

// flaws are the broken promises in a box and all boxes in it.
func flaws(path string, b *box) []string {
	var found []string
	inside := area{0, 0, b.W, b.H, path}
	if b.Look != "" && (b.W < minBox || b.H < minBox) {
		found = append(found, fmt.Sprintf("%s is only %d x %d", path, b.W, b.H))
	}
	var areas []area
	for i, k := range b.Kids {
		at := fmt.Sprintf("%s/%s%d", path, k.Look, i)
		areas = append(areas, area{k.X, k.Y, k.W, k.H, at})
		found = append(found, flaws(at, k)...)
	}
	for _, l := range b.Lines {
		x, y, w, h := l.extent()
		areas = append(areas, area{x, y, w, h, fmt.Sprintf("%s: %q", path, l.Text)})
		if l.Font.size() < minFontSize {
			found = append(found, fmt.Sprintf("%s: %q is set in %d px", path, l.Text, l.Font.size()))
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
	word := line{X: 5, Y: 20, Font: smallFont, Text: "word"}
	tests := map[string]struct {
		box  box
		want string
	}{
		"fine":           {box{W: 100, H: 50, Look: "l2", Lines: []line{word}, Kids: []*box{{X: 60, Y: 5, W: 20, H: 20}}}, ""},
		"sliver":         {box{W: 100, H: 3, Look: "free"}, "only 100 x 3"},
		"text too long":  {box{W: 20, H: 50, Lines: []line{word}}, "leaves its box"},
		"box outside":    {box{W: 50, H: 50, Kids: []*box{{X: 40, W: 20, H: 20}}}, "leaves its box"},
		"boxes overlap":  {box{W: 50, H: 50, Kids: []*box{{W: 20, H: 20}, {X: 19, Y: 19, W: 20, H: 20}}}, "overlaps"},
		"text under box": {box{W: 99, H: 50, Lines: []line{word}, Kids: []*box{{X: 10, Y: 10, W: 20, H: 20}}}, "overlaps"},
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
	for _, l := range b.Lines {
		all = append(all, l.Text)
	}
	for _, k := range b.Kids {
		all = append(all, words(k)...)
	}
	return all
}

// count how often a look occurs in a box.
func looks(b *box, look string) int {
	n := 0
	if b.Look == look {
		n++
	}
	for _, k := range b.Kids {
		n += looks(k, look)
	}
	return n
}

func TestEveryNodeHasItsCards(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dual-stack", "per-pool", "per-node", "ha", "flat-ipv4", "manual-lb", "huge-ipv6"} {
		f := fixtures(t)[name]
		page := layOut(newAddressMap(f.cfg, f.plan)).Page
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
		for _, s := range words(layOut(newAddressMap(f.cfg, f.plan)).Page) {
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
		if n := looks(layOut(newAddressMap(f.cfg, f.plan)).Page, "square"); n < tt.at || n > tt.most {
			t.Errorf("%s has %d squares, want %d to %d", tt.name, n, tt.at, tt.most)
		}
	}
}

func TestPerSquare(t *testing.T) {
	t.Parallel()
	for nodes, want := range map[int]int{0: 1, 1: 1, 1000: 1, 1001: 2, 5000: 5, 5001: 6, 100_000: 100} {
		if got := (&addressMap{nodes: make([]*node, nodes)}).perSquare(); got != want {
			t.Errorf("%d nodes: %d per square, want %d", nodes, got, want)
		}
	}
}

func TestPanelsEndTogether(t *testing.T) {
	t.Parallel()
	for name, f := range fixtures(t) {
		a := newAddressMap(f.cfg, f.plan)
		page := layOut(a).Page
		var bottoms []int
		for _, panel := range page.Kids[1:3] {
			last := panel.Kids[len(panel.Kids)-1]
			bottoms = append(bottoms, panel.Y+last.Y+last.H)
		}
		if bottoms[0] != bottoms[1] {
			t.Errorf("%s: services end at %d and %d", name, bottoms[0], bottoms[1])
		}
	}
}
