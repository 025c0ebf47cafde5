package strictyaml_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	got, problems := decode(t, `
kind: Widget
labels: {example.com/a: x, "8080": "1", date: 2024-01-01, yes: no}
spec:
  mode: "5"
  version: 1.30
  versions: [1.10, 2, x]
  enabled: True
  maybe: false
  count: -7
  port: +65535
  ratio: 3
  items: [&i a, *i, b
    c]
  nodes:
  - {address: fd12::1, port: 127}
  - address: ::1
  network:
    cidrBlocks:
    options: ~
  override: {}
  since: now
`)
	port, no := int8(127), false
	want := widget{
		Meta:   Meta{Kind: "Widget"},
		Labels: map[string]string{"example.com/a": "x", "8080": "1", "date": "2024-01-01", "yes": "no"},
		Spec: spec{
			Mode: "5", Version: "1.30", Versions: []string{"1.10", "2", "x"}, Enabled: true, Maybe: &no, Count: -7, Port: 65535, Ratio: 3,
			Items: []string{"a", "a", "b c"}, Nodes: []node{{Address: "fd12::1", Port: &port}, {Address: "::1"}},
			Override: &network{}, Since: stamp{"now"},
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(stamp{})); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	if problems != nil {
		t.Error(problems)
	}
}

// TestHostileYAMLTypes tries values of the wrong type, or out of the range of their type.
func TestHostileYAMLTypes(t *testing.T) {
	t.Parallel()
	const (
		quotes = " (put it in quotes)"
		items  = ` (write each item on a line of its own, after "- ")`
		empty  = ` (write "" if it is meant to be empty)`
		colon  = " (is a colon missing, or the space after one?)"
	)
	for _, tc := range []struct{ line, want string }{
		{"mode: 5", "expected text, got a whole number" + quotes},
		{"mode: 5.5", "expected text, got a number with a fraction or exponent" + quotes},
		{"mode: true", "expected text, got true or false" + quotes},
		{"mode: [a]", "expected text, got a list"},
		{"mode: {a: b}", "expected text, got a mapping"},
		{"mode: {'fd12:': }", `expected text, got a mapping (an address that ends with "::" is to be in quotes)`},
		{"mode:", "nothing is given, expected text" + empty},
		{"mode: null", "expected text, got null" + empty},
		{"version: true", "expected text, got true or false" + quotes},
		{"version: [1.3]", "expected text, got a list"},
		{"enabled: yes", "expected true or false, got text (write true or false)"},
		{"enabled: OFF", "expected true or false, got text (write true or false)"},
		{"enabled: \"true\"", "expected true or false, got text (remove the quotes)"},
		{"enabled: 1", "expected true or false, got a whole number"},
		{"enabled:", "nothing is given, expected true or false"},
		{"maybe: nope", "expected true or false, got text"},
		{"maybe: ~", "expected true or false, got null"},
		{"count: 2147483648", "expected a whole number from -2147483648 to 2147483647"},
		{"count: -2147483649", "expected a whole number from -2147483648 to 2147483647"},
		{"count: 123456789012345678901234567890", "expected a whole number from -2147483648 to 2147483647"},
		{"count: 24.0", "expected a whole number, got a number with a fraction or exponent"},
		{"count: 1e3", "expected a whole number, got a number with a fraction or exponent"},
		{"count: \"24\"", "expected a whole number, got text (remove the quotes)"},
		{"count: !!int \"24\"", "expected a whole number, got a whole number (remove the quotes)"},
		{"count: 0x10", "expected a whole number in decimal digits, without leading zeros"},
		{"count: 010", "expected a whole number in decimal digits, without leading zeros"},
		{"count: 1_000", "expected a whole number in decimal digits, without leading zeros"},
		{"count: a", "expected a whole number, got text"},
		{"port: 65536", "expected a whole number from 0 to 65535"},
		{"port: -1", "expected a whole number from 0 to 65535"},
		{"port: http", "expected a whole number, got text"},
		{"ratio: a", "expected a number, got text"},
		{"ratio: 1e999999", "expected a number, got text"},
		{"items: a", "expected a list, got text" + items},
		{"items: {a: b}", `expected a list, got a mapping (each item begins with "- ")`},
		{"items:", "nothing is given, expected a list"},
		{"network: a", "expected a mapping, got text" + colon},
		{"network: \"a\"", "expected a mapping, got text"},
		{"network: [a]", "expected a mapping, got a list"},
		{"override: 5", "expected a mapping, got a whole number"},
		{"since: later", "the value is not in the form that this field has"},
		{"since: {a: b}", "the value is not in the form that this field has"},
	} {
		t.Run(tc.line, func(t *testing.T) {
			t.Parallel()
			name, _, _ := strings.Cut(tc.line, ":")
			_, got := decode(t, "spec:\n  "+tc.line+"\n")
			want := []string{"2:3 wrong-type spec." + name + ": " + tc.want}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeInside(t *testing.T) {
	t.Parallel()
	got, problems := decode(t, `
labels: {a: 1, b: "2", c: }
spec:
  items: [a, 5, ~, b]
  nodes:
  - a
  - address: {}
    port: 128
  - address: c
  network:
    options:
      x y: 5
      example.com/z: []
`)
	want := []string{
		"2:10 wrong-type labels.a: expected text, got a whole number (put it in quotes)",
		`2:24 wrong-type labels: nothing is given, expected text (write "" if it is meant to be empty)`,
		"4:14 wrong-type spec.items[1]: expected text, got a whole number (put it in quotes)",
		`4:17 wrong-type spec.items[2]: expected text, got null (write "" if it is meant to be empty)`,
		"6:5 wrong-type spec.nodes[0]: expected a mapping, got text (is a colon missing, or the space after one?)",
		"7:5 wrong-type spec.nodes[1].address: expected text, got a mapping",
		"8:5 wrong-type spec.nodes[1].port: expected a whole number from -128 to 127",
		"12:7 wrong-type spec.network.options: expected text, got a whole number (put it in quotes)",
		"13:7 wrong-type spec.network.options[example.com/z]: expected text, got a list",
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if len(got.Spec.Nodes) != 3 || got.Spec.Nodes[2].Address != "c" || got.Labels["b"] != "2" || got.Spec.Items[3] != "b" {
		t.Errorf("what is right got lost: %+v", got)
	}
}

func TestDecodeCountsProblemsBeyondTheLimit(t *testing.T) {
	t.Parallel()
	text := "spec:\n  items:\n" + strings.Repeat("  - 5\n", 100_000)
	_, problems := decode(t, text+strings.Repeat("  - !x 5\n", 50))
	if len(problems) != 101 {
		t.Fatalf("%d problems, want 100 and one that counts the rest", len(problems))
	}
	want := "100052:5 more-problems 99950 more problems in this document are not shown (mend those above and check again)"
	if got := problems[100]; got != want {
		t.Errorf("the last problem is %q", got)
	}
}

func TestDecodeMisuse(t *testing.T) {
	t.Parallel()
	doc := parseOne(t, "a: {b: 1}\n")
	for name, into := range map[string]any{
		"no pointer": widget{},
		"no struct":  new(int),
		"nil":        (*widget)(nil),
		"interface": &struct {
			A any `json:"a"`
		}{},
		"integer key": &struct {
			A map[int]int `json:"a"`
		}{},
		"function": &struct {
			A map[string]func() `json:"a"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := parseOne(t, "a: {b: 1}\n")
			if err := doc.Decode(into, nil); err == nil {
				t.Error("no error")
			}
		})
	}
	if problems := doc.Problems(); problems != nil {
		t.Error(problems)
	}
}

func TestFieldNames(t *testing.T) {
	t.Parallel()
	want := "address cidrBlocks count enabled items kind labels maybe mode network nodes options override port ratio since spec " +
		"version versions"
	if got := strings.Join(words(), " "); got != want {
		t.Errorf("got %s", got)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"address", "addresses", "nodes", "ip"}
	for word, want := range map[string]string{
		"ddress": "address", "NODES": "nodes", "node": "nodes", "id": "ip", "spec": "", "": "", "hunter2": "",
		strings.Repeat("a", 1000): "",
	} {
		if got := strictyaml.Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) is %q, want %q", word, got, want)
		}
	}
}
