package planview

import (
	"strings"
	"unicode"
)

// font is a size and weight of text. Its name is the CSS class of text set in it.
type font struct {
	name string
	size int
	mono bool
	bold bool
}

// fontBook is every font of the picture. Words are set in the sans of the reader's system,
// addresses in its monospaced one, whose digits line up.
type fontBook struct {
	title, family, heading, body, strong, small, label, badge font
	cidr, address, minor                                      font
}

// fonts returns the fonts: few sizes, and none below 13 px, which is 3.4 mm on A3.
func fonts() fontBook {
	return fontBook{
		title:   font{name: "title", size: 44, bold: true},
		family:  font{name: "family", size: 30, bold: true},
		heading: font{name: "heading", size: 17, bold: true},
		body:    font{name: "body", size: 15},
		strong:  font{name: "strong", size: 14, bold: true},
		small:   font{name: "small", size: 13},
		label:   font{name: "label", size: 13, bold: true},
		badge:   font{name: "badge", size: 14, bold: true},
		cidr:    font{name: "cidr", size: 17, mono: true, bold: true},
		address: font{name: "address", size: 14, mono: true, bold: true},
		minor:   font{name: "minor", size: 13, mono: true},
	}
}

// all lists the fonts for the stylesheet.
func (b fontBook) all() []font {
	return []font{b.title, b.family, b.heading, b.body, b.strong, b.small, b.label, b.badge, b.cidr, b.address, b.minor}
}

// leading is the height of a line.
func (f font) leading() int { return f.size*7/5 + 1 }

// width is how many pixels the text takes at most. The reader's fonts are unknown, so it assumes
// widths of DejaVu, which is as wide as system fonts get.
func (f font) width(s string) int {
	milli := 0
	for _, r := range s {
		milli += f.advance(r)
	}
	return (milli*f.size + 999) / 1000
}

// advance is the width of one character in thousandths of the size.
func (f font) advance(r rune) int {
	w := sansAdvance(r)
	switch {
	case f.mono && r < 0x2000:
		return 610
	case f.mono:
		return max(610, w)
	case f.bold:
		return w * 113 / 100
	}
	return w
}

// sansAdvance sorts characters into a few classes, each as wide as its widest member.
func sansAdvance(r rune) int {
	switch {
	case strings.ContainsRune("mMwW%@", r), r == '…':
		return 1000
	case strings.ContainsRune("ijlrtfIJ.,:;'|!/\\ ()[]-·", r), strings.ContainsRune("⁰¹²³⁴⁵⁶⁷⁸⁹", r):
		return 440
	case r >= 0x2100 || r == '\uFFFD':
		return 1100 // Hangul and the like are as wide as high
	case unicode.IsLower(r) || unicode.IsDigit(r), r == '–':
		return 640
	}
	return 850
}

// fit shortens the text with an ellipsis until its width is at most width.
func (f font) fit(s string, width int) string {
	s = strings.ToValidUTF8(strings.Map(visible, s), "\uFFFD")
	if f.width(s) <= width {
		return s
	}
	room := width*1000/f.size - f.advance('…')
	for i, r := range s {
		if room -= f.advance(r); room < 0 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// visible replaces what would not be seen or would change the direction of what follows.
func visible(r rune) rune {
	if !unicode.IsPrint(r) {
		return '\uFFFD'
	}
	return r
}

// superscript sets the exponents of [count] the way print does: 2^56 becomes 2⁵⁶.
func superscript(s string) string {
	var out strings.Builder
	raised := false
	for _, r := range s {
		switch {
		case r == '^':
			raised = true
			continue
		case raised && r >= '0' && r <= '9':
			r = []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[r-'0']
		default:
			raised = false
		}
		out.WriteRune(r)
	}
	return out.String()
}
