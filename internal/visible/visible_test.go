package visible_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/internal/visible"
)

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                        "",
		"a.yaml":                  "a.yaml",
		"one\ntwo":                "one\ntwo",
		`C:\"x"`:                  `C:\"x"`,
		"b\u00fccher/\uac00.yaml": "b\u00fccher/\uac00.yaml",
		"\x1b[31mred\a":           `\x1b[31mred\a`,
		"back\r\tside":            `back\r\tside`,
		"a\u202eb":                `a\u202eb`,
		"\x9b1m\xff":              `\x9b1m\xff`,
		"\u009b1m":                `\u009b1m`,
		"\x7f\ufffd\ue000":        "\\x7f\ufffd\\ue000",
	} {
		if got := visible.Text(text); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
	}
}

// hidden contains every kind of invisible character, and some visible ones.
const hidden = "\x00\x1b[2J\x1b]0;title\a\r\x7f\u009b31m\u202e\u2066\u200b\u00a0\ufeff\U000e0041 é가\u2028\ufffd"

// TestJSON checks that a JSON text has the same meaning afterwards.
func TestJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(map[string]string{hidden: hidden})
	if err != nil {
		t.Fatal(err)
	}
	shown := visible.JSON(text)
	var back map[string]string
	if err := json.Unmarshal(shown, &back); err != nil || back[hidden] != hidden {
		t.Errorf("error %v: %s", err, shown)
	}
	if got := visible.Text(string(shown)); got != string(shown) {
		t.Errorf("something is not visible: %q", shown)
	}
}

func TestXML(t *testing.T) {
	t.Parallel()
	type element struct {
		Attribute string `xml:"a,attr"`
		Text      string `xml:",chardata"`
	}
	const text = "\x7f\u009b31m\u202e\u2066\u00a0 é가"
	made, err := xml.Marshal(element{Attribute: text, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	shown := visible.XML(made)
	var back element
	if err := xml.Unmarshal(shown, &back); err != nil || back.Attribute != text || back.Text != text {
		t.Errorf("error %v: %s", err, shown)
	}
	if got := visible.Text(string(shown)); got != string(shown) {
		t.Errorf("something is not visible: %q", shown)
	}
}

// The result must not depend on how a text is split into writes.
func TestWriter(t *testing.T) {
	t.Parallel()
	const text = "a\tb\n" + hidden + "\xe2\x80"
	want := strings.ReplaceAll(visible.Text(strings.ReplaceAll(text, "\t", "TAB")), "TAB", "\t")
	for size := 1; size <= len(text); size++ {
		var out strings.Builder
		w := visible.NewWriter(&out)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if written, err := w.Write([]byte(rest[:n])); err != nil || written != n {
				t.Fatalf("%d, %v", written, err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if out.String() != want {
			t.Errorf("in pieces of %d: %q, want %q", size, out.String(), want)
		}
	}
}
