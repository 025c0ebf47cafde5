package strictyaml_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// TestHostileYAMLEncodings tries bytes that are not text, and text in an encoding other than UTF-8.
func TestHostileYAMLEncodings(t *testing.T) {
	t.Parallel()
	const notUTF8 = "yaml-encoding this byte is not UTF-8 text (save the file as UTF-8)"
	for _, tc := range []struct{ name, text, want string }{
		{"Latin-1", "mode: caf\xe9\n", "1:10 " + notUTF8},
		{"a character cut off", "a: ä\nmode: \xc3", "2:7 " + notUTF8},
		{"a surrogate", "mode: \xed\xa0\x80\n", "1:7 " + notUTF8},
		{"NUL", "a: b\r\nmode: \x00\n", "2:7 yaml-encoding NUL byte: this is not a text file"},
		{"escape", "a: b\rmode: \x1b[0m\n", "2:7 yaml-encoding control character U+001B (remove it)"},
		{"DEL", "\x7f", "1:1 yaml-encoding control character U+007F (remove it)"},
		{"line separator", "a: ä\u2028", "1:5 yaml-encoding Unicode line break U+2028 (write an ordinary line break)"},
		{"next line", "a: \u0085", "1:4 yaml-encoding Unicode line break U+0085 (write an ordinary line break)"},
		{"noncharacter", "a: \uffff", "1:4 yaml-encoding control character U+FFFF (remove it)"},
		{
			"second byte order mark", "\ufeffa: b\n\ufeff---\n",
			"2:1 yaml-encoding byte order mark in the middle of the file (remove it; it is left when files are put together)",
		},
		{"UTF-16 with mark", utf16LE("\ufeffa: b\n"), utf("16")},
		{"UTF-16 without mark", utf16LE("a: b\n"), utf("16")},
		{"UTF-16, big-endian", "\x00a\x00:", utf("16")},
		{"UTF-16, big-endian with mark", "\xfe\xff\x00a", utf("16")},
		{"UTF-32 with mark", "\xff\xfe\x00\x00a\x00\x00\x00", utf("32")},
		{"UTF-32, big-endian with mark", "\x00\x00\xfe\xff\x00\x00\x00a", utf("32")},
		{"UTF-32, big-endian", "\x00\x00\x00a", utf("32")},
		{"UTF-32, little-endian", "a\x00\x00\x00", utf("32")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			docs, problems := strictyaml.Parse([]byte(tc.text), strictyaml.Options{})
			if diff := cmp.Diff([]string{tc.want}, format(problems)); diff != "" || docs != nil {
				t.Errorf("%d documents, problems (-want +got):\n%s", len(docs), diff)
			}
		})
	}
}

func utf(bits string) string {
	return "1:1 yaml-encoding the file is encoded as UTF-" + bits + ", not as UTF-8 (save it as UTF-8)"
}

func utf16LE(text string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// TestParseTakesText checks the same document in every form that editors write.
func TestParseTakesText(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plain":                 "# ü\nkind: a\nspec:\n  mode: b\n",
		"byte order mark":       "\ufeff# ü\nkind: a\nspec:\n  mode: b\n",
		"CRLF":                  "# ü\r\nkind: a\r\nspec:\r\n  mode: b\r\n",
		"CR":                    "# ü\rkind: a\rspec:\r  mode: b\r",
		"mark and CRLF":         "\ufeff# ü\r\nkind: a\r\nspec:\r\n  mode: b\r\n",
		"no line break at last": "# ü\nkind: a\nspec:\n  mode: b",
		"separators":            "---\nkind: a\nspec:\n  mode: b\n---\n",
		"flow":                  "# ü\n{kind: a,\nspec: {\n  mode: b}}\n",
		"JSON":                  "\n{\"kind\": \"a\",\n\"spec\": {\n  \"mode\": \"b\"}}",
		"directive":             "%YAML 1.2\n---\nspec: {\n  mode: b}\nkind: a",
		"blank separators":      "--- # one\nkind: a\nspec:\n  mode: b\n---\n...\n---\n# two\n...\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := parseOne(t, text)
			var w widget
			if err := doc.Decode(&w, nil); err != nil {
				t.Fatal(err)
			}
			if w.Kind != "a" || w.Spec.Mode != "b" || len(doc.Problems()) > 0 {
				t.Errorf("got %+v, %v", w, format(doc.Problems()))
			}
			if line, column := doc.Position("spec.mode"); line != 4 || column < 2 || column > 4 {
				t.Errorf("spec.mode is at %d:%d, want line 4", line, column)
			}
		})
	}
}

func TestParseSplitsDocuments(t *testing.T) {
	t.Parallel()
	type document struct {
		Line     int
		Kind     string
		Bare     bool
		Problems []string
	}
	for _, tc := range []struct {
		name, text string
		want       []document
	}{
		{"nothing", "", nil},
		{"comments and separators", "# a\n---\n\n---\n# b\n...\n# c\n", nil},
		{"null", "~\n---\nnull\n", nil},
		{"two", "kind: a\n---\nkind: b\n", []document{{Line: 1, Kind: "a"}, {Line: 3, Kind: "b"}}},
		{
			"after the end of a document", "kind: a\n...\n# c\nkind: b\n...\n---\n\nkind: c\n",
			[]document{{Line: 1, Kind: "a"}, {Line: 4, Kind: "b", Bare: true}, {Line: 8, Kind: "c"}},
		},
		{"on the separator's line", "--- {kind: a}\n---\t{kind: b}\n", []document{{Line: 1, Kind: "a"}, {Line: 2, Kind: "b"}}},
		{"no separators", "kind: |-\n  ---\n  ...\nb: ---a\n", []document{{Line: 1, Kind: "---\n..."}}},
		{
			"an error hides nothing", "kind: a\n---\nkind: [\n---\nkind: c\n",
			[]document{{Line: 1, Kind: "a"}, {Line: 3, Problems: []string{"3:1 yaml-syntax a value is missing"}}, {Line: 5, Kind: "c"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			docs, problems := strictyaml.Parse([]byte(tc.text), strictyaml.Options{})
			if len(problems) > 0 {
				t.Fatal(format(problems))
			}
			var got []document
			for _, d := range docs {
				kind, _ := d.Text("kind")
				got = append(got, document{Line: d.Line, Kind: kind, Bare: d.Bare, Problems: format(d.Problems())})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}
