package planview

// box is a rectangle with what is in it. Coordinates are whole pixels, relative to the box around
// it, so that the same plan gives the same bytes on every machine.
type box struct {
	x, y, w, h int
	// look is the CSS class; a box without one is only a frame for what is in it.
	look string
	// fill and edge are colours that depend on a pool and override the class.
	fill, edge string
	// tip is shown when the mouse rests on the box: all that had to be shortened, in full.
	tip   string
	lines []line
	// stroke is the path of an ornament, in SVG's notation.
	stroke string
	kids   []*box
	// elastic boxes take up spare height; see [box.grow].
	elastic bool
}

// line is one line of text.
type line struct {
	x, y  int // y is the baseline
	font  font
	align align
	text  string
	// color overrides the font's.
	color string
}

// align says which end of a line of text is at its x; the values are those of text-anchor.
type align string

const (
	alignLeft   align = "start"
	alignMiddle align = "middle"
	alignRight  align = "end"
)

// extent is the rectangle that a line of text covers at most.
func (l line) extent() (x, y, w, h int) {
	w = l.font.width(l.text)
	x = l.x
	switch l.align {
	case alignMiddle:
		x -= w / 2
	case alignRight:
		x -= w
	case alignLeft:
	}
	// From the height of capitals to the depth of descenders; leading is space between lines.
	return x, l.y - l.font.size*4/5, w, l.font.size * 21 / 20
}

// spare is height to hand out to elastic boxes in equal parts.
type spare struct{ pixels, boxes int }

// take returns the share of one box in pixels. The remainder is distributed too, so that all pixels are used up and
// both panels end on the same line.
func (s *spare) take() int {
	share := s.pixels / s.boxes
	s.pixels -= share
	s.boxes--
	return share
}

// grow makes the box higher by stretching all elastic boxes in it. It reports whether there are any.
func (b *box) grow(by int) bool {
	n := b.elastics()
	if n > 0 {
		b.stretch(&spare{by, n})
	}
	return n > 0
}

// elastics counts the boxes that can be stretched.
func (b *box) elastics() int {
	if b.elastic {
		return 1
	}
	n := 0
	for _, k := range b.kids {
		n += k.elastics()
	}
	return n
}

// stretch hands out spare height and moves down what is below. It returns how much the box grew.
func (b *box) stretch(s *spare) int {
	if b.elastic {
		by := s.take()
		b.h += by
		for i := range b.lines {
			b.lines[i].y += by / 2
		}
		return by
	}
	grown := 0
	for _, k := range b.kids {
		bottom := k.y + k.h
		by := 0
		if k.elastics() > 0 {
			by = k.stretch(s)
		}
		if by > 0 {
			b.push(bottom, by)
		}
		grown += by
	}
	b.h += grown
	return grown
}

// push moves down everything in the box that begins below a line.
func (b *box) push(from, by int) {
	for _, k := range b.kids {
		if k.y >= from {
			k.y += by
		}
	}
	for i := range b.lines {
		if b.lines[i].y >= from {
			b.lines[i].y += by
		}
	}
}

// column fills a box from top to bottom.
type column struct {
	box     *box
	x, y, w int
	pad     int
}

// newColumn begins a box of a width; pad is the space inside its outline.
func newColumn(width, pad int, look string) *column {
	return &column{box: &box{w: width, look: look}, x: pad, y: pad, w: width - 2*pad, pad: pad}
}

// done ends the box below what is in it.
func (c *column) done() *box {
	c.box.h = c.y + c.pad
	return c.box
}

// text adds a line of text, shortened to the width.
func (c *column) text(f font, s string) {
	c.pair(f, s, f, "")
}

// pair adds a line with text at both ends; the left one is shortened when they meet.
func (c *column) pair(lf font, left string, rf font, right string) {
	baseline := c.y + max(lf.leading(), rf.leading())*3/4
	right = rf.fit(right, c.w*2/3)
	room := c.w
	if right != "" {
		room -= rf.width(right) + 12
		c.box.lines = append(c.box.lines, line{x: c.x + c.w, y: baseline, font: rf, align: alignRight, text: right})
	}
	if left = lf.fit(left, room); left != "" {
		c.box.lines = append(c.box.lines, line{x: c.x, y: baseline, font: lf, align: alignLeft, text: left})
	}
	c.y += max(lf.leading(), rf.leading())
}

// add adds a box below.
func (c *column) add(b *box) {
	b.x, b.y = c.x, c.y
	c.y += b.h
	c.box.kids = append(c.box.kids, b)
}

// beside adds boxes side by side with the page's gutter between them; the highest counts.
func (c *column) beside(boxes []*box) {
	x, height := c.x, 0
	for _, b := range boxes {
		b.x, b.y = x, c.y
		x += b.w + gutter
		height = max(height, b.h)
		c.box.kids = append(c.box.kids, b)
	}
	c.y += height
}

// skip leaves space.
func (c *column) skip(height int) { c.y += height }

// gap is the space between boxes side by side and one above the other.
const gap = 10

// grid adds boxes of equal size in rows of so many columns; they have the grid's column width.
func (c *column) grid(boxes []*box, columns int) {
	for i, b := range boxes {
		b.x = c.x + i%columns*(b.w+gap)
		b.y = c.y + i/columns*(b.h+gap)
		c.box.kids = append(c.box.kids, b)
	}
	if n := len(boxes); n > 0 {
		rows := (n + columns - 1) / columns
		c.y += rows*(boxes[0].h+gap) - gap
	}
}
