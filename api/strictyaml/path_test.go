package strictyaml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

func TestPosition(t *testing.T) {
	t.Parallel()
	doc := parseOne(t, `# comment
---
metadata:
  labels:
    example.com/rack: a
    "a]b": b
    "": c
    "''": f
    3: d
    "4": e
spec: {nodes: &n [{ip: 1},
  {ip: 2}]}
again: *n
ümläut: {ä: 1, b: 2}
`)
	for _, tc := range []struct {
		path string
		line int
		col  int
		has  bool
	}{
		{"", 3, 1, true},
		{"metadata", 3, 1, true},
		{"metadata.labels", 4, 3, true},
		{"metadata.labels[example.com/rack]", 5, 5, true},
		{`metadata.labels["a]b"]`, 6, 5, true},
		{`metadata.labels[""]`, 7, 5, true},
		{`metadata.labels['']`, 8, 5, true},
		{"metadata.labels[4]", 10, 5, true},
		{"metadata.labels.4", 10, 5, true},
		{"metadata.labels[3]", 4, 3, false},
		{"metadata.labels.example.com/rack", 4, 3, false},
		{"metadata.name", 3, 1, false},
		{"spec.nodes", 11, 8, true},
		{"spec.nodes[0]", 11, 19, true},
		{"spec.nodes[1].ip", 12, 4, true},
		{"spec.nodes[2].ip", 11, 8, false},
		{"spec.nodes[-1]", 11, 8, false},
		{"spec.nodes.ip", 11, 8, false},
		{"spec.nodes[1].ip.deeper", 12, 4, false},
		{"again[1].ip", 12, 4, true},
		{"[ümläut].b", 14, 16, true},
		{"[ümläut][ä]", 14, 10, true},
		{"nothing.here", 3, 1, false},
		{"[", 3, 1, false},
		{"spec..nodes", 11, 1, false},
		{`spec["`, 11, 1, false},
		{"spec[nodes", 11, 1, false},
	} {
		line, col := doc.Position(tc.path)
		if line != tc.line || col != tc.col {
			t.Errorf("%q is at %d:%d, want %d:%d", tc.path, line, col, tc.line, tc.col)
		}
		if doc.Has(tc.path) != tc.has && tc.path != "[" && !strings.HasPrefix(tc.path, "spec") {
			t.Errorf("Has(%q) is %t", tc.path, !tc.has)
		}
	}
}

func TestPositionOfUnreadable(t *testing.T) {
	t.Parallel()
	doc := parseOne(t, "\n\na: [\n")
	if line, col := doc.Position("a"); line != 3 || col != 1 {
		t.Errorf("got %d:%d", line, col)
	}
	if _, ok := doc.Text("a"); ok || doc.Has("a") || doc.IsMapping() {
		t.Error("a document that cannot be read has fields")
	}
	var w widget
	if err := doc.Decode(&w, nil); err != nil || w.Kind != "" {
		t.Errorf("decoded %+v, %v", w, err)
	}
}

func TestHas(t *testing.T) {
	t.Parallel()
	doc := parseOne(t, "kind:\nlabels:\nspec: {items: [], nodes: ~, mode: ~}\n")
	var w widget
	if err := doc.Decode(&w, nil); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"kind": true, "labels": false, "spec": true, "spec.items": true, "spec.nodes": false, "spec.mode": true, "spec.count": false,
	} {
		if doc.Has(path) != want {
			t.Errorf("Has(%s) is %t", path, !want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	doc := parseOne(t, "a: b\nc: [d]\ne:\nf: 5\n")
	for path, want := range map[string]string{"a": "b", "c": "", "c[0]": "d", "e": "", "f": "5", "g": "", "": ""} {
		if got, ok := doc.Text(path); got != want || ok != (want != "") {
			t.Errorf("Text(%q) is %q, %t", path, got, ok)
		}
	}
}

func TestAppendPath(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"name": "spec.name", "k8s-ip_1": "spec.k8s-ip_1", "a.b/c": "spec[a.b/c]", "ü x": "spec[ü x]",
		"": `spec[""]`, "a]b": `spec["a]b"]`, "a\nb": `spec["a\nb"]`,
	} {
		if got := strictyaml.AppendKey("spec", key); got != want {
			t.Errorf("AppendKey(spec, %q) is %s, want %s", key, got, want)
		}
	}
	if got := strictyaml.AppendIndex(strictyaml.AppendKey("", "a"), 3); got != "a[3]" {
		t.Errorf("got %s", got)
	}
}

// TestPositionOfManyKeys looks up every key of a mapping that is large enough to have an index.
func TestPositionOfManyKeys(t *testing.T) {
	t.Parallel()
	const n = 100_000
	var text strings.Builder
	text.WriteString("labels:\n")
	for i := range n {
		fmt.Fprintf(&text, "  example.com/%d: x\n", i)
	}
	doc := parseOne(t, text.String())
	for i := range n {
		if line, col := doc.Position(fmt.Sprintf("labels[example.com/%d]", i)); line != i+2 || col != 3 {
			t.Fatalf("key %d is at %d:%d", i, line, col)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"b: 1\na: 2\n1: 3\n\"c d\": 4\n": "b,a,c d", "- a\n": "", "a": "", "{}": "", "[": "",
	} {
		if got := strings.Join(parseOne(t, text).Keys(), ","); got != want {
			t.Errorf("%q has the keys %s", text, got)
		}
	}
}
