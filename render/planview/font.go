package planview

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// font is a size of text in pixels, and whether it is bold and monospaced. Words are set in the sans of the reader's
// system, addresses in its monospaced one, whose digits line up.
type font int

// The fonts: few sizes, and none below 13 px, which is 3.4 mm on A3.
const (
	bold font = 1 << 8
	mono font = 1 << 9

	titleFont   = 44 | bold
	familyFont  = 30 | bold
	headingFont = 17 | bold
	cidrFont    = 17 | bold | mono
	bodyFont    = font(15)
	strongFont  = 14 | bold
	addressFont = 14 | bold | mono
	smallFont   = font(13)
	labelFont   = 13 | bold
	minorFont   = 13 | mono
)

// size is the font's size in pixels.
func (f font) size() int { return int(f & 0xff) }

// String returns the font's CSS classes; picture.css has rules for them.
func (f font) String() string {
	faces := map[font]string{bold: " bold", mono: " mono", bold | mono: " bold mono"}
	return fmt.Sprintf("s%d", f.size()) + faces[f&(bold|mono)]
}

// leading is the height of a line.
func (f font) leading() int { return f.size()*7/5 + 1 }

// width is how many pixels the text takes at most. The reader's fonts are unknown, so it assumes
// widths of DejaVu, which is as wide as system fonts get.
func (f font) width(s string) int {
	milli := 0
	for _, r := range s {
		milli += f.advance(r)
	}
	return (milli*f.size() + 999) / 1000
}

// advance is the width of one character in thousandths of the size. Characters are sorted into a few classes, each as
// wide as its widest member.
func (f font) advance(r rune) int {
	w := 850
	switch {
	case f&mono != 0 && r < 0x2000:
		return 610
	case strings.ContainsRune("mMwW%@…", r):
		w = 1000
	case strings.ContainsRune("ijlrtfIJ.,:;'|!/\\ ()[]-·⁰¹²³⁴⁵⁶⁷⁸⁹", r):
		w = 440
	case r >= 0x2100:
		w = 1100 // Hangul and the like are as wide as high
	case unicode.IsLower(r) || unicode.IsDigit(r), r == '–':
		w = 640
	}
	if f&bold != 0 {
		return w * 113 / 100
	}
	return w
}

// fit shortens the text with an ellipsis until its width is at most width. It replaces what would not be seen or would
// change the direction of what follows.
func (f font) fit(s string, width int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
	if f.width(s) <= width {
		return s
	}
	room := width*1000/f.size() - f.advance('…')
	for i, r := range s {
		if room -= f.advance(r); room < 0 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// superscript sets the exponents of [count] the way print does: 2^56 becomes 2⁵⁶.
func superscript(s string) string {
	return regexp.MustCompile(`\^[0-9]+`).ReplaceAllStringFunc(s, func(exponent string) string {
		return strings.Map(func(digit rune) rune { return []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[digit-'0'] }, exponent[1:])
	})
}
