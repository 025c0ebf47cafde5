package planview

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/internal/goldentest"
)

// drawing is the picture of a fixture.
func drawing(tb testing.TB, f fixture) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := SVG(&out, f.cfg, f.plan); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// wellFormed reads a document to its end and returns its elements.
func wellFormed(tb testing.TB, document []byte) []xml.StartElement {
	tb.Helper()
	var all []xml.StartElement
	for dec := xml.NewDecoder(bytes.NewReader(document)); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			tb.Fatalf("not well-formed: %v", err)
		}
		if start, ok := token.(xml.StartElement); ok {
			all = append(all, start.Copy())
		}
	}
}

func TestSVGGolden(t *testing.T) {
	t.Parallel()
	goldentest.Compare(t, "testdata/dual-stack.svg", drawing(t, fixtures(t)["dual-stack"]))
}

func TestSVGStandsAlone(t *testing.T) {
	t.Parallel()
	known := map[string]bool{
		"svg": true, "title": true, "desc": true, "style": true, "defs": true, "pattern": true,
		"g": true, "rect": true, "path": true, "text": true,
	}
	for name, f := range fixtures(t) {
		document := drawing(t, f)
		for _, e := range wellFormed(t, document) {
			if !known[e.Name.Local] {
				t.Errorf("%s: <%s>", name, e.Name.Local)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" {
					t.Errorf("%s: <%s %s>", name, e.Name.Local, a.Name.Local)
				}
			}
		}
		if urls := regexp.MustCompile(`url\([^#]|@import`).FindAll(document, -1); urls != nil {
			t.Errorf("%s: %s", name, urls)
		}
		if !bytes.Equal(document, drawing(t, f)) {
			t.Errorf("%s: two pictures of one plan differ", name)
		}
		if len(document) > 1<<20 {
			t.Errorf("%s: %d bytes", name, len(document))
		}
	}
}

func TestSVGIsAccessible(t *testing.T) {
	t.Parallel()
	document := string(drawing(t, fixtures(t)["dual-stack"]))
	for _, want := range []string{
		`role="img"`, `aria-labelledby="title desc"`, `<title id="title">Address plan of cluster dual-stack</title>`,
		`<desc id="desc">3 nodes (1 control plane, 2 workers), IPv4 island, IPv6 flat.`,
		`<title>192.168.1.0/24: pods of node 2, 10.2.0.5, workers</title>`,
	} {
		if !strings.Contains(document, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestSVGErrorsAreReturned(t *testing.T) {
	t.Parallel()
	f := fixtures(t)["dual-stack"]
	gone := errors.New("broken pipe")
	if err := SVG(brokenPipe{gone}, f.cfg, f.plan); !errors.Is(err, gone) {
		t.Errorf("%v, want %v", err, gone)
	}
}

func TestColorsHaveContrast(t *testing.T) {
	t.Parallel()
	const text, graphics = 4.5, 3 // WCAG 2.2, level AA
	const ink, paleInk = "#1c2733", "#46525f"
	for i, h := range hues() {
		if c := contrast(t, h.strong, h.ink); c < text {
			t.Errorf("hue %d: badge %.1f", i, c)
		}
		for _, tint := range h.tints {
			if c := min(contrast(t, tint, ink), contrast(t, tint, paleInk)); c < text {
				t.Errorf("hue %d: text on %s %.1f", i, tint, c)
			}
		}
		if c := contrast(t, h.edge, "#ffffff"); c < graphics {
			t.Errorf("hue %d: outline %.1f", i, c)
		}
	}
	for _, background := range []string{"#ffffff", "#eef3f7", "#fdf7e8", "#f6f6f4", "#f3f6f8"} {
		if !strings.Contains(document, "fill: "+background) {
			t.Errorf("%s is no background any more", background)
		}
		if c := contrast(t, background, paleInk); c < text {
			t.Errorf("text on %s %.1f", background, c)
		}
	}
}

// contrast is the ratio that WCAG defines, from 1 to 21.
func contrast(tb testing.TB, a, b string) float64 {
	tb.Helper()
	la, lb := luminance(tb, a), luminance(tb, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(tb testing.TB, color string) float64 {
	tb.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if err != nil {
			tb.Fatal(err)
		}
		v := float64(n) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}
