package planview

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// places are where the boxes in a box are: x, y, width, height.
func places(b *box) [][4]int {
	var all [][4]int
	for _, k := range b.kids {
		all = append(all, [4]int{k.x, k.y, k.w, k.h})
	}
	return all
}

func TestColumnStacksBoxes(t *testing.T) {
	t.Parallel()
	c := newColumn(200, 20, "l2")
	c.add(&box{w: 160, h: 30})
	c.skip(5)
	c.add(&box{w: 160, h: 40})
	b := c.done()
	if b.h != 20+30+5+40+20 {
		t.Errorf("the column is %d high", b.h)
	}
	if diff := cmp.Diff([][4]int{{20, 20, 160, 30}, {20, 55, 160, 40}}, places(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGridFillsRows(t *testing.T) {
	t.Parallel()
	c := newColumn(200, 0, "")
	c.grid([]*box{{w: 95, h: 50}, {w: 95, h: 50}, {w: 95, h: 50}}, 2)
	b := c.done()
	if diff := cmp.Diff([][4]int{{0, 0, 95, 50}, {105, 0, 95, 50}, {0, 60, 95, 50}}, places(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b.h != 110 {
		t.Errorf("the grid is %d high, want 110", b.h)
	}
}

func TestBesideTakesTheHighest(t *testing.T) {
	t.Parallel()
	c := newColumn(1000, 0, "")
	c.beside([]*box{{w: 400, h: 50}, {w: 400, h: 70}})
	b := c.done()
	if diff := cmp.Diff([][4]int{{0, 0, 400, 50}, {400 + gutter, 0, 400, 70}}, places(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b.h != 70 {
		t.Errorf("the row is %d high, want 70", b.h)
	}
}

func TestPairShortensTheLeftText(t *testing.T) {
	t.Parallel()
	f := font{size: 10, mono: true}
	tests := []struct {
		left, right string
		want        []string
	}{
		{"192.168.0.0/16", "3 free", []string{"3 free", "192.168.…"}},
		{"192.168", "3 free", []string{"3 free", "192.168"}},
		{"192.168.0.0/16", "", []string{"192.168.0.0/16"}},
		{"", "3 free", []string{"3 free"}},
		{"", "", nil},
	}
	for _, tt := range tests {
		c := newColumn(110, 0, "")
		c.pair(f, tt.left, f, tt.right)
		b := c.done()
		if diff := cmp.Diff(tt.want, words(b)); diff != "" {
			t.Errorf("%q and %q (-want +got):\n%s", tt.left, tt.right, diff)
		}
		if b.h != f.leading() {
			t.Errorf("the line is %d high, want %d", b.h, f.leading())
		}
	}
}

func TestGrowSharesSpareHeight(t *testing.T) {
	t.Parallel()
	upper := &box{w: 10, h: 10, elastic: true}
	lower := &box{y: 40, w: 10, h: 10, elastic: true, lines: []line{{y: 8}}}
	outer := &box{
		w: 10, h: 70,
		kids: []*box{
			{w: 10, h: 30, kids: []*box{upper, {y: 12, w: 10, h: 10}}},
			lower,
			{y: 55, w: 10, h: 10},
		},
		lines: []line{{y: 5}, {y: 35}, {y: 69}},
	}
	if !outer.grow(11) {
		t.Fatal("nothing is elastic")
	}
	if upper.h != 15 || lower.h != 16 {
		t.Errorf("elastic boxes are %d and %d high, want 15 and 16", upper.h, lower.h)
	}
	if outer.h != 81 || outer.kids[0].h != 35 {
		t.Errorf("the boxes around are %d and %d high, want 81 and 35", outer.h, outer.kids[0].h)
	}
	if got := []int{outer.kids[0].kids[1].y, lower.y, outer.kids[2].y}; !cmp.Equal(got, []int{17, 45, 66}) {
		t.Errorf("boxes below are at %v", got)
	}
	if got := []int{outer.lines[0].y, outer.lines[1].y, outer.lines[2].y}; !cmp.Equal(got, []int{5, 40, 80}) {
		t.Errorf("lines are at %v", got)
	}
	if lower.lines[0].y != 11 {
		t.Errorf("the text of an elastic box is at %d, want 11: in its middle", lower.lines[0].y)
	}
}

func TestGrowWithoutElasticBoxes(t *testing.T) {
	t.Parallel()
	b := &box{w: 10, h: 10, kids: []*box{{w: 5, h: 5}}}
	if b.grow(7) || b.h != 10 {
		t.Errorf("a box of nothing elastic grew to %d", b.h)
	}
}

func TestExtent(t *testing.T) {
	t.Parallel()
	f := font{size: 10, mono: true} // abc is 19 wide
	for a, want := range map[align]int{alignLeft: 100, alignMiddle: 91, alignRight: 81} {
		x, y, w, h := line{x: 100, y: 50, font: f, align: a, text: "abc"}.extent()
		if got := [4]int{x, y, w, h}; got != [4]int{want, 42, 19, 10} {
			t.Errorf("%s: %v", a, got)
		}
	}
}

func TestCardsTakeAsManyColumnsAsFit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		main    string
		columns int
	}{
		{"fd12::1:100/120", 3},
		{"2001:db8:1234:5678::100/120", 2},
		{"2001:db8:1234:5678:9abc:def0:1234:5600/120", 1},
	}
	for _, tt := range tests {
		c := newColumn(588, 0, "")
		n := &node{number: 12, pool: &nodePool{}}
		c.cards(fonts(), []card{{main: tt.main, node: n}, {main: "::", node: n}, {main: "::", node: n}})
		b := c.done()
		columns := 0
		for _, k := range b.kids {
			if k.y == 0 {
				columns++
			}
		}
		if columns != tt.columns {
			t.Errorf("%s: %d columns, want %d", tt.main, columns, tt.columns)
		}
	}
}
