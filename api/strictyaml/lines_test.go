package strictyaml

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShapeOf(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]shape{
		"":                       {},
		"   ":                    {indent: 3, column: 3, valueAt: 3},
		"# a: b":                 {},
		"a: b":                   {entry: true, key: "a", value: "b", valueAt: 3},
		"  a:":                   {indent: 2, column: 2, entry: true, key: "a", valueAt: 4},
		"\ta:\tb":                {indent: 1, column: 1, entry: true, key: "a", value: "b", valueAt: 4},
		"  - a: b # c":           {indent: 2, column: 4, entry: true, key: "a", value: "b", valueAt: 7},
		"- - -  a":               {column: 7, value: "a", valueAt: 7},
		"-":                      {value: "-"},
		"-a":                     {value: "-a"},
		"a":                      {value: "a"},
		"a:b":                    {value: "a:b"},
		"a: b: c":                {entry: true, key: "a", value: "b: c", valueAt: 3},
		`a: "b # c" # d`:         {entry: true, key: "a", value: `"b # c"`, valueAt: 3},
		`a: 'b # c`:              {entry: true, key: "a", value: `'b # c`, valueAt: 3},
		"a: b#c":                 {entry: true, key: "a", value: "b#c", valueAt: 3},
		`"a: b": c`:              {entry: true, key: `"a: b"`, value: "c", valueAt: 8},
		`'a' : c`:                {value: "'a' : c"},
		`"a`:                     {value: `"a`},
		"{a: b}":                 {value: "{a: b}"},
		"a: [b, c] # d":          {entry: true, key: "a", value: "[b, c]", valueAt: 3},
		"a: it's # not a string": {entry: true, key: "a", value: "it's", valueAt: 3},
		"ü: ä":                   {entry: true, key: "ü", value: "ä", valueAt: 4},
	} {
		if diff := cmp.Diff(want, shapeOf(line), cmp.AllowUnexported(shape{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}

func TestShapeSaysNothing(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{"": true, "  # a": true, "\t": true, "-": false, "- ": false, "a:": false, "...": false} {
		if got := shapeOf(line).blank(); got != want {
			t.Errorf("%q is blank: %t", line, got)
		}
	}
}

// TestLinesOfBlockScalars checks which lines are inside block scalars; the cases mark those by a bar.
func TestLinesOfBlockScalars(t *testing.T) {
	t.Parallel()
	text := []string{
		"  a: |", "|    b: c", "|", "|   # no comment", "  d: >-", "|   e", "  - f: |2+", "|      g", "    h: i",
		"- |", "| j", "- k | l", "  m", "- >n", "  o",
	}
	var source strings.Builder
	for _, line := range text {
		source.WriteString(strings.TrimPrefix(line, "|") + "\n")
	}
	l := newLines([]byte(source.String()))
	for i := range l.count() {
		if want := strings.HasPrefix(text[i], "|"); l.literal[i] != want {
			t.Errorf("line %d, %q, is inside of a block scalar: %t", i+1, text[i], l.literal[i])
		}
	}
	if got := []int{l.next(1), l.next(5), l.previous(5), l.previous(1), l.next(15)}; !cmp.Equal(got, []int{5, 7, 1, 0, 0}) {
		t.Errorf("neighbours are %v", got)
	}
}

func TestLinesReplace(t *testing.T) {
	t.Parallel()
	l := newLines([]byte("a\nb\nc"))
	if got := string(l.text()); got != "a\nb\nc" {
		t.Errorf("got %q before a replacement", got)
	}
	l.replace(2, "B")
	l.replace(3, "")
	if got := string(l.text()); got != "a\nB\n\n" || l.at(2) != "B" || l.count() != 3 {
		t.Errorf("got %q", got)
	}
}

func TestColumnOf(t *testing.T) {
	t.Parallel()
	for offset, want := range map[int]int{0: 1, 2: 2, 3: 3, 100: 5} {
		if got := columnOf("übcd", offset); got != want {
			t.Errorf("offset %d is column %d, want %d", offset, got, want)
		}
	}
}

func TestClosingQuote(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text  string
		quote byte
		want  int
	}{
		{`a"`, '"', 1},
		{`a\"b"`, '"', 4},
		{`a\\"`, '"', 3},
		{`a\`, '"', -1},
		{`a`, '"', -1},
		{`'`, '"', -1},
		{`it''s'`, '\'', 5},
		{`it''`, '\'', -1},
		{`\'`, '\'', 1},
	} {
		if got := closingQuote(tc.text, tc.quote); got != tc.want {
			t.Errorf("%s is closed at %d, want %d", tc.text, got, tc.want)
		}
	}
}

// TestExplain checks a text for each error of the YAML library that is translated. It fails when a new version of
// the library changes its errors.
func TestExplain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		strings.Repeat("[", 10_002): "nested too deep",
		"a: *b":                     "an alias (*) in or above this line has no anchor (&)",
		"a: * b":                    "a name is missing after * or &",
		"a: b: c":                   "a colon is not expected here",
		"a: \"b\"\nc\nd: e":         "a colon is missing here or in the line above",
		"a: \"b\" c":                "this line does not fit the mapping that it is in",
		"- a\nb: c":                 "this line does not fit its list",
		"a: - b":                    "a list item is not expected here",
		"[a b: c":                   "a comma or a closing bracket is missing",
		"a: ]":                      "a value is missing",
		"a: \"b":                    "the document ends inside of quotes",
		"a: @b":                     "a value cannot begin with this character",
		`a: "\q"`:                   "a backslash in double quotes begins no known escape",
		"a: !b!c d":                 "tags (!...) are not supported",
		"\"a\"\n\"b\"":              "more text after the end of the value",
		"a: |x":                     "this cannot be read as YAML",
	} {
		_, _, err := parseOnce([]byte(text + "\n"))
		if err == nil {
			t.Errorf("%.20q has no error", text)
			continue
		}
		if _, message, _ := explain(err); message != want {
			t.Errorf("%.20q: %v is explained as %q, want %q", text, err, message, want)
		}
	}
	if rule, message, _ := explain(errors.New("yaml: hunter2")); rule != RuleSyntax || strings.Contains(message, "hunter2") {
		t.Errorf("an error of the future is %s, %s", rule, message)
	}
}

// TestLineReader reads with buffers of every size, as the YAML library may.
func TestLineReader(t *testing.T) {
	t.Parallel()
	const text = "a\n\nbcdef\ng"
	for size := 1; size < 9; size++ {
		r := &lineReader{rest: []byte(text)}
		buffer, got := make([]byte, size), ""
		for {
			n, err := r.Read(buffer)
			got += string(buffer[:n])
			if strings.Count(string(buffer[:n]), "\n") > 1 {
				t.Errorf("size %d reads %q at once", size, buffer[:n])
			}
			if lines := 1 + strings.Count(strings.TrimSuffix(got, "\n"), "\n"); err == nil && r.lines != lines {
				t.Errorf("size %d counts %d lines in %q", size, r.lines, got)
			}
			if err != nil {
				break
			}
		}
		if got != text || r.lines != 4 {
			t.Errorf("size %d reads %d lines, %q", size, r.lines, got)
		}
	}
}
