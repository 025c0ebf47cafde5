package planview

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// places are where the boxes in a box are: x, y, width, height.
func places(b *box) [][4]int {
	var all [][4]int
	for _, k := range b.Kids {
		all = append(all, [4]int{k.X, k.Y, k.W, k.H})
	}
	return all
}

func TestABoxStacksBoxes(t *testing.T) {
	t.Parallel()
	b := newBox(200, 20, "l2")
	b.add(0, &box{W: 160, H: 30})
	b.skip(5)
	b.add(7, &box{W: 160, H: 40}, &box{W: 160, H: 10})
	if b.H != 20+30+5+40+7+10+20 {
		t.Errorf("the box is %d high", b.H)
	}
	if diff := cmp.Diff([][4]int{{20, 20, 160, 30}, {20, 55, 160, 40}, {20, 102, 160, 10}}, places(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGridFillsRows(t *testing.T) {
	t.Parallel()
	b := newBox(200, 0, "")
	b.grid(10, 2, &box{W: 95, H: 50}, &box{W: 95, H: 70}, &box{W: 95, H: 50})
	if diff := cmp.Diff([][4]int{{0, 0, 95, 50}, {105, 0, 95, 70}, {0, 80, 95, 50}}, places(b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b.H != 130 {
		t.Errorf("the grid is %d high, want 130", b.H)
	}
}

func TestPairShortensTheLeftText(t *testing.T) {
	t.Parallel()
	f := 10 | mono
	tests := []struct {
		left, right string
		want        []string
		tip         string
	}{
		{"192.168.0.0/16", "3 free", []string{"3 free", "192.168.…"}, "192.168.0.0/16"},
		{"192.168", "3 free", []string{"3 free", "192.168"}, ""},
		{"192.168.0.0/16", "", []string{"192.168.0.0/16"}, ""},
		{"", "3 free", []string{"3 free"}, ""},
		{"", "", nil, ""},
	}
	for _, tt := range tests {
		b := newBox(110, 0, "")
		b.pair(f, tt.left, f, tt.right)
		if diff := cmp.Diff(tt.want, words(b)); diff != "" {
			t.Errorf("%q and %q (-want +got):\n%s", tt.left, tt.right, diff)
		}
		if b.H != f.leading() || b.Tip != tt.tip {
			t.Errorf("the line is %d high, want %d; its tip is %q, want %q", b.H, f.leading(), b.Tip, tt.tip)
		}
	}
}

func TestExtent(t *testing.T) {
	t.Parallel()
	// abc is 19 wide
	for anchor, want := range map[string]int{"": 100, "middle": 91, "end": 81} {
		x, y, w, h := line{X: 100, Y: 50, Font: 10 | mono, Anchor: anchor, Text: "abc"}.extent()
		if got := [4]int{x, y, w, h}; got != [4]int{want, 42, 19, 10} {
			t.Errorf("%s: %v", anchor, got)
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
		n := &node{number: 12, pool: &nodePool{}}
		b := cards(588, []string{tt.main, "::", "::"}, func(main string) card { return card{main: main, node: n} })
		columns := 0
		for _, k := range b.Kids {
			if k.Y == 0 {
				columns++
			}
		}
		if columns != tt.columns {
			t.Errorf("%s: %d columns, want %d", tt.main, columns, tt.columns)
		}
	}
}
