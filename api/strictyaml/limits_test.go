package strictyaml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// bomb is the billion laughs attack: each list contains the previous one nine times.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	return b.String()
}

// TestHostileYAMLNesting tries values that are nested too deep, expand to too much, or contain themselves.
func TestHostileYAMLNesting(t *testing.T) {
	t.Parallel()
	const (
		deep     = "nested deeper than 100 levels"
		laughing = "yaml-alias the aliases (*) expand to too much (write the values out)"
		within   = "yaml-alias this alias (*) lies inside the value that it stands for (write the value out)"
	)
	for _, tc := range []struct{ name, text, want string }{
		{"flow lists", "a: " + strings.Repeat("[", 101) + strings.Repeat("]", 101), "1:104 yaml-limit " + deep},
		{"flow lists not closed", strings.Repeat("[", 200_000), "1:1 yaml-limit nested too deep"},
		{"flow mappings", strings.Repeat("{a: ", 101) + strings.Repeat("}", 101), "1:402 yaml-limit " + deep},
		{"lists", strings.Repeat("- ", 101) + "a", "1:203 yaml-limit " + deep},
		{"lists without end", strings.Repeat("- ", 200_000), "1:1 yaml-limit nested too deep"},
		{"mappings", nest(101), "101:101 yaml-limit " + deep},
		{"by aliases", "a: &a " + lists("") + "\nb: " + lists("*a"), "2:64 yaml-limit nested deeper than 100 levels by an alias"},
		{"billion laughs", bomb(), "1:1 " + laughing},
		{"a list in itself", "a: &a [b, *a]\n", "1:11 " + within},
		{"a mapping in itself", "a: &a\n  b:\n    c: *a\n", "3:8 " + within},
		{"a mapping as its own key", "&a {*a : b}\n", "1:5 " + within},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc := parseOne(t, tc.text)
			if diff := cmp.Diff([]string{tc.want}, format(doc.Problems())); diff != "" || doc.Readable() {
				t.Errorf("readable: %t, problems (-want +got):\n%s", doc.Readable(), diff)
			}
		})
	}
}

// TestHostileYAMLValues tries values that are too long, in every form. The limit is the caller's: by default it is that
// of the file.
func TestHostileYAMLValues(t *testing.T) {
	t.Parallel()
	const message = " yaml-limit a single value has more than 1 KiB"
	for name, test := range map[string]struct{ text, want string }{
		"a value":        {"a: b\nc: " + strings.Repeat("d", 1025), "2:4" + message},
		"a key":          {"? " + strings.Repeat("d", 1025) + "\n: a", "1:3" + message},
		"a block":        {"a: |\n  " + strings.Repeat("d\n  ", 1025), "1:4" + message},
		"written longer": {"a: \"" + strings.Repeat(`\u00e9`, 513) + "\"", "1:4" + message},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := problemsWithin1KiB(t, test.text); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestManyShortValues(t *testing.T) {
	t.Parallel()
	if got := problemsWithin1KiB(t, "a: ["+strings.Repeat("d, ", 1025)+"d]"); got != "" {
		t.Error(got)
	}
}

// problemsWithin1KiB parses a document with a limit of 1 KiB for single values.
func problemsWithin1KiB(t *testing.T, text string) string {
	t.Helper()
	docs, problems := strictyaml.Parse([]byte(text), strictyaml.Options{Limits: strictyaml.Limits{Scalar: 1 << 10}})
	if len(docs) != 1 || len(problems) > 0 {
		t.Fatal(format(problems))
	}
	return strings.Join(format(docs[0].Problems()), "\n")
}

// lists returns a value in 60 lists.
func lists(value string) string { return strings.Repeat("[", 60) + value + strings.Repeat("]", 60) }

// nest returns a value in n mappings.
func nest(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", i))
	}
	return b.String() + strings.Repeat(" ", n) + "b: c"
}

func TestLimitsAllowWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"99 levels":   nest(99),
		"aliases":     "labels: &l {a: b}\nspec: {network: {options: *l}, override: {options: *l}}\n",
		"many values": "items: [" + strings.Repeat("a, ", 300_000) + "b]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if doc := parseOne(t, text); !doc.Readable() || doc.Problems() != nil {
				t.Error(format(doc.Problems()))
			}
		})
	}
}

// fill repeats a text up to 10 MiB.
func fill(text string) string { return strings.Repeat(text, 10<<20/len(text)) }

// messagesOf parses a text and returns the messages about it.
func messagesOf(text string) []string {
	docs, problems := strictyaml.Parse([]byte(text), strictyaml.Options{})
	for _, d := range docs {
		problems = append(problems, d.Problems()...)
	}
	var messages []string
	for _, p := range problems {
		messages = append(messages, p.Message)
	}
	return messages
}

// TestHostileYAMLSizes tries files of 10 MiB that would expand to much more in the parser, and one that is too large.
func TestHostileYAMLSizes(t *testing.T) {
	t.Parallel()
	tooMany := []string{"the file holds more than 1000000 values"}
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"open lists", fill("["), tooMany},
		{"open mappings", fill("{a: "), tooMany},
		{"items", "[" + fill("a,") + "]", tooMany},
		{"dashes", fill("- "), tooMany},
		{"question marks", fill("?\n"), tooMany},
		{"aliases in themselves", fill("a: &a [*a]\n"), tooMany},
		{"anchors", fill("- &a x\n"), tooMany},
		{"one key", fill("k") + ": v\n", []string{"a colon is not expected here"}},
		{"a quote not closed", "a: \"" + fill("b "), []string{"this quote is not closed"}},
		{"words", "a:\n" + fill("b\n"), []string{"a colon is missing after this word", "a colon is missing after this word"}},
		{"too large", strings.Repeat("a", 64<<20+1), []string{"the file is larger than 64 MiB"}},
		{"documents", strings.Repeat("---\na\n", 100_001), []string{"the file holds more than 100000 documents"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, messagesOf(tc.text)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLargeTexts checks files of the same size that do not expand: they have no problems.
func TestLargeTexts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"one line of text": "a: " + fill("b "),
		"one comment":      "#" + fill("x"),
		"comments":         fill("# x\n") + "a: b\n",
		"line breaks":      "a: b\n" + fill("\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if got := messagesOf(text); got != nil {
				t.Errorf("problems %q", got)
			}
		})
	}
}

// TestManyDocuments checks a file with more documents than allowed, and one with exactly as many.
func TestManyDocuments(t *testing.T) {
	t.Parallel()
	const n = 1000
	options := strictyaml.Options{Limits: strictyaml.Limits{Documents: n}}
	docs, problems := strictyaml.Parse([]byte(strings.Repeat("---\na\n", n+1)), options)
	want := []string{"2002:1 yaml-limit the file holds more than 1000 documents (split it into several files)"}
	if diff := cmp.Diff(want, format(problems)); diff != "" || docs != nil {
		t.Errorf("%d documents, problems (-want +got):\n%s", len(docs), diff)
	}
	docs, problems = strictyaml.Parse([]byte(strings.Repeat("---\na\n", n)), options)
	if len(docs) != n || len(problems) > 0 {
		t.Errorf("%d documents, %v", len(docs), format(problems))
	}
}

// TestDirectives checks directives where none are allowed; the parser would compare each with each.
func TestDirectives(t *testing.T) {
	t.Parallel()
	var tags strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&tags, "%%TAG !a%d! x\n", i)
	}
	doc := parseOne(t, tags.String()+"kind: a\n")
	if kind, _ := doc.Text("kind"); kind != "a" || doc.Problems() != nil {
		t.Errorf("kind %q, %v", kind, format(doc.Problems()))
	}
	doc = parseOne(t, "kind: a\n"+tags.String())
	want := []string{
		"2:1 yaml-syntax a line that begins with % (directives come before the line ---; text that begins with % is to be in quotes)",
	}
	if diff := cmp.Diff(want, format(doc.Problems())); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestOwnLimits(t *testing.T) {
	t.Parallel()
	options := strictyaml.Options{Limits: strictyaml.Limits{Bytes: 1 << 20, Values: 5, Depth: 1, Problems: 1}}
	if _, problems := strictyaml.Parse([]byte("a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\n"), options); len(problems) != 1 || problems[0].Line != 6 {
		t.Errorf("six values give %v", format(problems))
	}
	docs, _ := strictyaml.Parse([]byte("a: {b: {c: d}}\n"), options)
	if len(docs) != 1 || docs[0].Readable() {
		t.Error("a document that is too deep is readable")
	}
	docs, _ = strictyaml.Parse([]byte("a: !x b\nb: !x b\n"), options)
	if got := docs[0].Problems(); len(got) != 2 || got[1].Rule != strictyaml.RuleMore {
		t.Errorf("two problems give %v", format(got))
	}
}
