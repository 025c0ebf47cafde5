package strictyaml_test

import (
	"strings"
	"testing"
)

// TestHostileYAMLShapes tries constructs of YAML that manifests do not use: tags, merge keys, duplicate keys, keys that
// are not text, tabs, and anchors and quotes without an end.
func TestHostileYAMLShapes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"a tag of Python":      {"spec:\n  mode: !!python/object/apply:os.system [reboot]\n", "spec.mode"},
		"a tag of its own":     {"spec:\n  mode: !run reboot\n", "tag"},
		"binary":               {"spec:\n  mode: !!binary aGk=\n", "spec.mode"},
		"a set":                {"spec: !!set {a, b}\n", "spec"},
		"a merge key":          {"spec:\n  <<: {mode: a}\n", "merge keys (<<) are not supported"},
		"a key twice":          {"kind: a\nkind: b\n", `"kind" is given twice`},
		"a key twice, quoted":  {"kind: a\n\"kind\": b\n", `"kind" is given twice`},
		"a number as key":      {"1: a\n", "a key is text, this is a whole number"},
		"null as key":          {"~: a\n", "a key is text, this is null"},
		"a list as key":        {"[c]: d\n", "a list in the place of a key"},
		"a tab":                {"spec:\n\tmode: a\n", "tab"},
		"an alias of nothing":  {"kind: *nowhere\n", "an alias (*) without an anchor"},
		"a quote without end":  {"kind: \"a\n", "this quote is not closed"},
		"a list without end":   {"kind: [a\n", "a closing bracket is missing"},
		"an unknown field":     {"run: reboot\n", `unknown field "run"`},
		"another letter case":  {"Kind: a\n", `unknown field "Kind"`},
		"a letter like one":    {"k\u0456nd: a\n", "unknown field"},
		"a document in a line": {"kind: a --- kind: b: c\n", "1:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := decode(t, test.text)
			if said := strings.Join(problems, "\n"); !strings.Contains(said, test.want) {
				t.Errorf("problems %q, want %s", said, test.want)
			}
		})
	}
}
