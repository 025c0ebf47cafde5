package strictyaml_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// FuzzParse decodes arbitrary bytes. It must not panic, every position must lie in the input, and a second run must
// return the same.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, problems := parseAll(t, data)
		lines := 1 + bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r"))
		for _, p := range problems {
			if p.Line < 0 || p.Line > lines || p.Column < 0 || p.Column > len(data)+1 || p.Message == "" || p.Rule == "" {
				t.Errorf("%d lines have the problem %+v", lines, p)
			}
		}
		_, again := parseAll(t, data)
		if diff := cmp.Diff(problems, again); diff != "" {
			t.Errorf("a second run finds otherwise:\n%s", diff)
		}
		for _, d := range docs {
			for _, p := range d.Problems() {
				line, column := d.Position(p.Path)
				if line < 1 || line > lines || column < 1 {
					t.Errorf("%q is at %d:%d of %d lines", p.Path, line, column, lines)
				}
			}
			d.Position(string(data))
		}
	})
}

// FuzzAppendKey checks that a path leads back to the key it was made from.
func FuzzAppendKey(f *testing.F) {
	for _, key := range []string{"a", "", "a.b/c", "a]b", `"`, "[", "3", "ü", "\\", "a b"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		quoted := strings.NewReplacer("'", "''").Replace(key)
		docs, _ := strictyaml.Parse([]byte("first: 1\n'"+quoted+"': 2\n"), strictyaml.Options{})
		if strings.ContainsAny(key, "\n\r") || strings.TrimSpace(key) != key || key == "first" || len(key) > 1000 || len(docs) != 1 ||
			!docs[0].Readable() || strings.HasPrefix(key, "\t") {
			return
		}
		path := strictyaml.AppendKey("", key)
		if line, _ := docs[0].Position(path); line != 2 || !docs[0].Has(path) {
			t.Errorf("%q is at line %d by the path %s", key, line, path)
		}
	})
}

func parseAll(t *testing.T, data []byte) ([]*strictyaml.Document, []strictyaml.Problem) {
	t.Helper()
	docs, problems := strictyaml.Parse(data, strictyaml.Options{Words: words})
	rules := strictyaml.NewFields(strictyaml.Rule{Path: "status", Disposition: strictyaml.Ignored, Reason: "a result"})
	for _, d := range docs {
		var w widget
		if err := d.Decode(&w, rules); err != nil {
			t.Error(err)
		}
		found := d.Problems()
		if !d.Readable() && len(found) == 0 {
			t.Error("a document cannot be read, and no problem says why")
		}
		if len(found) > 101 {
			t.Errorf("%d problems in one document", len(found))
		}
		problems = append(problems, found...)
	}
	return docs, problems
}

// seeds are inputs that are difficult in different ways.
func seeds() []string {
	return []string{
		"", "\ufeff", "a: b\r\nc: d\r", "\xff\xfea\x00", "a: \x00", "caf\xe9",
		"spec:\n  network\n    cidrBlocks:\n    - b\n...\n  mode: \"x\"\n  ...\n  version: 1.30\n",
		"kind: a\nlabels: {a: 1, a: 2}\nspec:\n\tmode: b\n", "a: &a [*a]\n", "a: &a {<<: *a}\n", bomb()[:200],
		"- - - - a\n", "? a\n: b\n", "? [a, b]\n: c\n", "{a: [b, {c: d}]}", "a: |+2\n    b\n", "a: >-\n\n b\n", "a: 'b\n\n  c'\n",
		"--- a\n--- |\n b\n...\n%YAML 1.2\n---\n!x a: !y b\n", "spec:\n  mode: a\n    version: b\n   count: c\n", "a: \"b\nc: d\n",
		"a: fd12::\nb: *c\nd: @e\n", "a:b\n-c\n", "spec:\n  items: [a, b\n  mode: {c\n", "\u00a0a: b\n", "a: b: c\n", "a: \"b\" c\n",
		strings.Repeat("[", 150), strings.Repeat("- ", 150), "spec: {count: 9999999999999999999, port: 0x1, enabled: yes, since: later}",
		"#\n\n# a\n---\n# b\n...\n...\n ...\n", "a: !!binary b\nc: !!float d\ne: 2001-01-01\nf: .inf\n", "{a, b, a}", "\"a\"b: c", "*a : b",
	}
}
