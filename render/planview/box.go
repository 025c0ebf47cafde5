package planview

import "strings"

// box is a rectangle with what is in it, filled from top to bottom. Coordinates are whole pixels, relative to the box
// around it, so that the same plan gives the same bytes on every machine.
type box struct {
	X, Y, W, H int
	// Look is the CSS class; a box without one is only a frame for what is in it. Paint is CSS that overrides the class.
	Look, Paint string
	// Tip is shown when the mouse rests on the box.
	Tip string
	// Stroke is the path of an ornament, in SVG's notation.
	Stroke string
	Lines  []line
	Kids   []*box
	// left and right are the space inside the outline, and pad that above and below.
	left, right, pad int
}

// line is one line of text. Y is the baseline; Anchor says which end of the text is at X, as text-anchor does.
type line struct {
	X, Y   int
	Font   font
	Anchor string
	Fill   string // overrides the font's colour
	Text   string
}

const (
	gap     = 10 // between boxes side by side and one above the other
	lineGap = 6  // between rows of one kind
)

// newBox returns an empty box. It grows with what is added.
func newBox(width, pad int, look string) *box {
	return &box{W: width, H: 2 * pad, left: pad, right: pad, pad: pad, Look: look}
}

// inner is the width of what is in the box.
func (b *box) inner() int { return b.W - b.left - b.right }

// skip leaves space.
func (b *box) skip(height int) { b.H += height }

// add adds boxes below, with space between them.
func (b *box) add(space int, kids ...*box) { b.grid(space, 1, kids...) }

// grid adds boxes in rows of so many columns, which are as wide as the first box. Rows are as high as their highest box.
func (b *box) grid(space, columns int, kids ...*box) {
	height := 0
	for i, kid := range kids {
		if i > 0 && i%columns == 0 {
			b.skip(height + space)
			height = 0
		}
		kid.X, kid.Y = b.left+i%columns*(kids[0].W+space), b.H-b.pad
		b.Kids = append(b.Kids, kid)
		height = max(height, kid.H)
	}
	b.skip(height)
}

// write adds a line of text, shortened to the width.
func (b *box) write(f font, s string) { b.pair(f, s, f, "") }

// pair adds a line with text at both ends; the left one is shortened when they meet. The tip has what was shortened.
func (b *box) pair(lf font, left string, rf font, right string) {
	leading, room := max(lf.leading(), rf.leading()), b.inner()
	baseline := b.H - b.pad + leading*3/4
	fit := func(f font, s string, room int) string {
		short := f.fit(s, room)
		if strings.HasSuffix(short, "…") {
			b.Tip = strings.TrimSpace(b.Tip + "\n" + s)
		}
		return short
	}
	if right = fit(rf, right, room*2/3); right != "" {
		b.Lines = append(b.Lines, line{X: b.left + room, Y: baseline, Font: rf, Anchor: "end", Text: right})
		room -= rf.width(right) + 12
	}
	if left = fit(lf, left, room); left != "" {
		b.Lines = append(b.Lines, line{X: b.left, Y: baseline, Font: lf, Text: left})
	}
	b.skip(leading)
}

// rangeLine writes a range of addresses and a remark, on two lines if they need them.
func (b *box) rangeLine(addresses, remark string) {
	if addressFont.width(addresses)+12+smallFont.width(remark) > b.inner() {
		lines := strings.SplitAfter(addresses, " –")
		b.write(addressFont, lines[0])
		addresses = strings.TrimSpace(strings.Join(lines[1:], ""))
	}
	b.pair(addressFont, addresses, smallFont, remark)
}

// more adds a line about what there is no room for, if there is any.
func (b *box) more(n int, what, rest string) {
	if n > 0 {
		b.skip(lineGap)
		b.write(smallFont, "and "+plural(n, "more "+what)+rest)
	}
}
