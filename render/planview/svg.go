package planview

import (
	_ "embed"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/dualstrap/dualstrap/api"
)

//go:embed picture.css
var stylesheet string

// SVG draws the plan as one picture that stands alone: no scripts, no fonts or files of others.
// The same plan gives the same bytes. It fails only when w does.
func SVG(w io.Writer, cfg *api.Config, plan *api.Plan) error {
	if err := encode(w, layOut(newAddressMap(cfg, plan))); err != nil {
		return fmt.Errorf("cannot write the picture of the plan: %w", err)
	}
	return nil
}

// element is any element of an SVG document. encoding/xml escapes what users have named.
type element struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Kids    []element
}

// el makes an element; attributes are names and values in turn, those without a value are left out.
func el(name string, attrs ...string) element {
	e := element{XMLName: xml.Name{Local: name}}
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			e.Attrs = append(e.Attrs, xml.Attr{Name: xml.Name{Local: attrs[i]}, Value: attrs[i+1]})
		}
	}
	return e
}

// with adds elements inside.
func (e element) with(kids ...element) element {
	e.Kids = append(e.Kids, kids...)
	return e
}

// saying sets the text. Characters that XML cannot hold become U+FFFD.
func (e element) saying(text string) element {
	e.Text = strings.ToValidUTF8(text, "\uFFFD")
	return e
}

// encode writes the picture.
func encode(w io.Writer, p *picture) error {
	width, height := strconv.Itoa(p.page.w), strconv.Itoa(p.page.h)
	root := el("svg", "xmlns", "http://www.w3.org/2000/svg", "width", width, "height", height,
		"viewBox", "0 0 "+width+" "+height, "role", "img", "aria-labelledby", "title desc").with(
		el("title", "id", "title").saying(p.title),
		el("desc", "id", "desc").saying(p.desc),
		el("style").saying(stylesheet+fontRules()),
		el("defs").with(hatch()),
		drawn(p.page),
	)
	enc := xml.NewEncoder(w)
	enc.Indent("", " ")
	if err := enc.Encode(root); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// fontRules returns the CSS rules with the size of every font, the same that [font.width] uses.
func fontRules() string {
	var css strings.Builder
	for _, f := range fonts().all() {
		weight := 400
		if f.bold {
			weight = 700
		}
		fmt.Fprintf(&css, "text.%s { font-size: %dpx; font-weight: %d; }\n", f.name, f.size, weight)
	}
	return css.String()
}

// hatch is the pattern of what is free.
func hatch() element {
	return el("pattern", "id", "hatch", "width", "8", "height", "8", "patternUnits", "userSpaceOnUse", "patternTransform", "rotate(45)").with(
		el("rect", "width", "8", "height", "8", "fill", "#ffffff"),
		el("rect", "width", "1.5", "height", "8", "fill", "#e3e8ec"),
	)
}

// drawn is a box with all that is in it.
func drawn(b *box) element {
	g := el("g", "class", groupLook(b), "transform", translate(b))
	if b.tip != "" {
		g = g.with(el("title").saying(b.tip))
	}
	if b.look != "" && b.stroke == "" {
		g = g.with(el("rect", "class", b.look, "width", strconv.Itoa(b.w), "height", strconv.Itoa(b.h), "style", paint(b)))
	}
	if b.stroke != "" {
		g = g.with(el("path", "d", b.stroke))
	}
	for _, l := range b.lines {
		t := el("text", "class", l.font.name, "x", strconv.Itoa(l.x), "y", strconv.Itoa(l.y))
		if l.align != alignLeft {
			t = t.attr("text-anchor", string(l.align))
		}
		if l.color != "" {
			t = t.attr("style", "fill:"+l.color)
		}
		g = g.with(t.saying(l.text))
	}
	for _, k := range b.kids {
		g = g.with(drawn(k))
	}
	return g
}

// attr adds an attribute.
func (e element) attr(name, value string) element {
	e.Attrs = append(e.Attrs, xml.Attr{Name: xml.Name{Local: name}, Value: value})
	return e
}

// groupLook is the class of the group around a box. A rectangle has the class itself; an ornament
// has none, and is styled through its group.
func groupLook(b *box) string {
	if b.stroke != "" {
		return b.look
	}
	return ""
}

// translate moves a box to its place in the box around it.
func translate(b *box) string {
	if b.x == 0 && b.y == 0 {
		return ""
	}
	return fmt.Sprintf("translate(%d %d)", b.x, b.y)
}

// paint is the style of a box in the colours of a pool. It has to be a style: attributes would
// yield to the stylesheet.
func paint(b *box) string {
	var css []string
	if b.fill != "" {
		css = append(css, "fill:"+b.fill)
	}
	if b.edge != "" {
		css = append(css, "stroke:"+b.edge)
	}
	return strings.Join(css, ";")
}
