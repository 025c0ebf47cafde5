package planview

import (
	"fmt"
	"strings"
	"testing"
)

// The widths of the printable ASCII characters of DejaVu Sans and DejaVu Sans Bold in thousandths,
// from their hmtx tables.
func dejaVu() (regular, wide [95]int) {
	regular = [95]int{
		318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636, 636, 636, 636,
		337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,
		611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974,
		634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
	}
	wide = [95]int{
		348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365, 696, 696, 696, 696, 696, 696, 696, 696, 696, 696,
		400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995, 837, 850, 733, 850, 770, 720,
		682, 812, 774, 1103, 771, 724, 725, 457, 365, 457, 838, 500, 500, 675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042,
		712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582, 712, 365, 712, 838,
	}
	return regular, wide
}

func TestNoCharacterIsWiderThanAssumed(t *testing.T) {
	t.Parallel()
	regular, wide := dejaVu()
	for i := range regular {
		r := rune(' ' + i)
		if got := font(13).advance(r); got < regular[i] || got > 2*regular[i] {
			t.Errorf("%c: %d, in DejaVu Sans %d", r, got, regular[i])
		}
		if got := bold.advance(r); got < wide[i] {
			t.Errorf("%c: %d, in DejaVu Sans Bold %d", r, got, wide[i])
		}
		if got := mono.advance(r); got < 602 {
			t.Errorf("%c: %d, in DejaVu Sans Mono 602", r, got)
		}
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	f := 10 | mono // 6.1 px per character, 10 for the ellipsis
	tests := []struct {
		text  string
		width int
		want  string
	}{
		{"192.168.0.0/16", 86, "192.168.0.0/16"},
		{"192.168.0.0/16", 85, "192.168.0.0/…"},
		{"192.168.0.0/16", 20, "1…"},
		{"a b", 18, "a…"},
		{"a b", 19, "a b"},
		{"anything", 0, "…"},
		{"", 0, ""},
		{"a\x00b\xffc\u202e", 90, "a\uFFFDb\uFFFDc\uFFFD"},
	}
	for _, tt := range tests {
		if got := f.fit(tt.text, tt.width); got != tt.want {
			t.Errorf("fit(%q, %d) = %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestSuperscript(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"2^56": "2⁵⁶", "2^56 - 3 of 2^120 free": "2⁵⁶ - 3 of 2¹²⁰ free", "253": "253", "": ""} {
		if got := superscript(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestEveryFontHasItsRules(t *testing.T) {
	t.Parallel()
	for _, f := range []font{
		titleFont, familyFont, headingFont, cidrFont, bodyFont, strongFont, addressFont, smallFont, labelFont, minorFont,
	} {
		if !strings.Contains(document, fmt.Sprintf("\n.s%d { font-size: %dpx; }", f.size(), f.size())) {
			t.Errorf("no rule for the size of %s", f)
		}
	}
	if got := addressFont.String(); got != "s14 bold mono" {
		t.Errorf("addresses have the classes %q", got)
	}
	for _, rule := range []string{"\n.bold { font-weight: 700; }", "\n.mono { font-family: ui-monospace"} {
		if !strings.Contains(document, rule) {
			t.Errorf("no rule %s", rule)
		}
	}
}
