package strictyaml_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSyntaxLeavesGoodTextAlone checks documents with one mistake at the end, and before it text that looks like a
// mistake but is correct.
func TestSyntaxLeavesGoodTextAlone(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]string{
		"text over several lines":      "mode: one\n    two\n    three",
		"list in the column of a key":  "items:\n  - a\n  - b",
		"list in brackets over lines":  "items: [a,\n    b,\n    c]",
		"quotes inside of text":        "mode: it's 5\" long",
		"quotes inside of quotes":      `mode: "say \"a\""`,
		"doubled quotes":               "mode: 'it''s'",
		"quotes around a colon":        "mode: 'a: b'",
		"key in quotes":                `"mode": a`,
		"address":                      "mode: fd12::5:0/116",
		"addresses":                    "items:\n  - fd12::1\n  - ::1\n  - https://10.2.0.9:5000/v2/",
		"dashes":                       "items:\n  - -a\n  - --b",
		"comment with a tab":           "mode: a\t# b",
		"comment with anything":        "mode: a # b: c: \"d",
		"comment in the first column":  "network:\n# services\n    cidrBlocks: []",
		"anchor and alias":             "items: &a [b]\n  nodes: []\n  versions: *a",
		"explicit key":                 "? mode\n  : a",
		"spaces at the end":            "mode: a   \n  version: b\t",
		"text that ends in dots":       "mode: and so on ...",
		"empty lines":                  "mode: a\n\n\n  version: b\n",
		"no-break space inside a text": "mode: a\u00a0b",
		"text with dashes":             "mode: a - b\n  version: c\n    - d",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "spec:\n  " + good + "\n  count 5\n"
			doc := parseOne(t, text)
			got := doc.Problems()
			if strings.Contains(good, "\n    - d") {
				// This is the only mistake in the list.
				got = got[1:]
			}
			if len(got) != 1 || got[0].Message != "a colon is missing after `count`" || got[0].Line != strings.Count(text, "\n") {
				t.Error(format(got))
			}
		})
	}
}

// TestSyntaxPositions checks that repairs do not change the positions of later problems.
func TestSyntaxPositions(t *testing.T) {
	t.Parallel()
	_, got := decode(t, "# one\n---\nspec:\n  items # two\n  - a\n  mode: 5\n    count: no\n  enabled:maybe\n")
	want := []string{
		"4:3 yaml-syntax a colon is missing after `items` (write `items:`)",
		"6:3 wrong-type spec.mode: expected text, got a whole number (put it in quotes)",
		"7:5 yaml-syntax indented deeper (by 2 spaces) than the line above, which has a value already (begin both lines in the same column)",
		"7:5 wrong-type spec.count: expected a whole number, got text",
		"8:3 yaml-syntax a space is missing after the colon (write a space between the key and its value)",
		"8:3 wrong-type spec.enabled: expected true or false, got text",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
