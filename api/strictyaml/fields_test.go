package strictyaml_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

func TestDecodeKeys(t *testing.T) {
	t.Parallel()
	got, problems := decode(t, `
kind: one
kind: two
1: a
~: b
[c]: d
spec:
  <<: {mode: a}
  mode: first
  enabled: true
  "mode": second
  items:
  - mode: a
    mode: b
labels: {a b: x, a b: y}
`)
	want := []string{
		`3:1 yaml-duplicate-key "kind" is given twice, first on line 2 ` +
			"(remove one of the two, or put --- above it if another document begins here)",
		"4:1 yaml-key a key is text, this is a whole number (put it in quotes)",
		"5:1 yaml-key a key is text, this is null (put it in quotes)",
		"6:1 yaml-key a list in the place of a key",
		"8:3 yaml-key spec: merge keys (<<) are not supported (write the fields out)",
		`11:3 yaml-duplicate-key spec: "mode" is given twice, first on line 9 (remove one of the two)`,
		"13:5 wrong-type spec.items[0]: expected text, got a mapping",
		`14:5 yaml-duplicate-key spec.items[0]: "mode" is given twice, first on line 13 ` +
			"(remove one of the two, or put a dash before it if another item begins here)",
		"15:18 yaml-duplicate-key labels: the field is given twice, first on line 15 (remove one of the two)",
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got.Kind != "one" || got.Spec.Mode != "first" {
		t.Errorf("the first of two keys does not count: %+v", got)
	}
}

func TestDecodeUnknownFields(t *testing.T) {
	t.Parallel()
	_, problems := decode(t, `
kid: a
metadata: {}
cidrBlocks: []
spec:
  Mode: a
  nods: []
  address: b
  x y: c
  network: {cidrBlock: [], hunter2}
`)
	want := []string{
		`2:1 unknown-field kid: unknown field "kid" (did you mean "kind"?)`,
		`3:1 unknown-field metadata: unknown field "metadata"`,
		`4:1 unknown-field cidrBlocks: unknown field "cidrBlocks" (it belongs to spec.network)`,
		`6:3 unknown-field spec.Mode: unknown field "Mode" (did you mean "mode"?)`,
		`7:3 unknown-field spec.nods: unknown field "nods" (did you mean "nodes"?)`,
		`8:3 unknown-field spec.address: unknown field "address" (it belongs to spec.nodes[])`,
		`9:3 unknown-field spec: unknown field`,
		`10:13 unknown-field spec.network.cidrBlock: unknown field "cidrBlock" (did you mean "cidrBlocks"?)`,
		`10:28 unknown-field spec.network: unknown field`,
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestDecodeRules(t *testing.T) {
	t.Parallel()
	rules := []strictyaml.Rule{
		{Path: "status", Disposition: strictyaml.Ignored, Reason: "it is a result"},
		{Path: "spec.nodes[].uuid", Disposition: strictyaml.Ignored, Reason: "hosts have their own"},
		{Path: "spec.mode", Disposition: strictyaml.Refused, Reason: "modes are not supported"},
		{Path: "spec.*Path", Disposition: strictyaml.Ignored, Reason: "paths are not used"},
		{Path: "spec.co*", Disposition: strictyaml.Refused, Reason: "stars come after fields"},
	}
	got, problems := decode(t, `
status: {any: thing}
statu: 1
spec:
  mode: a
  count: 5
  keyPath: a
  otherPath: b
  corn: 1
  nodes:
  - {address: a, uuid: 1}
  - {address: b, uuid: 2}
`, rules...)
	want := []string{
		"2:1 ignored-field status: ignored: it is a result",
		`3:1 unknown-field statu: unknown field "statu" (did you mean "status"?)`,
		"5:3 unsupported-field spec.mode: modes are not supported",
		"7:3 ignored-field spec.keyPath: ignored: paths are not used",
		"8:3 ignored-field spec.otherPath: ignored: paths are not used",
		"9:3 unsupported-field spec.corn: stars come after fields",
		"11:18 ignored-field spec.nodes[0].uuid: ignored: hosts have their own",
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got.Spec.Mode != "" || got.Spec.Count != 5 || got.Spec.Nodes[1].Address != "b" {
		t.Errorf("decoded %+v", got)
	}
}

func TestRuleName(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"status": "status", "spec.proxy": "proxy", "spec.nodes[].uuid": "uuid", "*Path": "*Path"} {
		if got := (strictyaml.Rule{Path: path}).Name(); got != want {
			t.Errorf("%s is named %q", path, got)
		}
	}
}

// tree is a recursive type.
type tree struct {
	Name string `json:"name"`
	Left *tree  `json:"left,omitempty"`
	All  []tree `json:"all,omitempty"`
	Leaf struct {
		Colour string `json:"colour"`
	} `json:"leaf,omitzero"`
	Self map[string]tree `json:"self,omitempty"`
}

// TestSuggestInTypesThatHoldThemselves checks that the search in recursive types terminates.
func TestSuggestInTypesThatHoldThemselves(t *testing.T) {
	t.Parallel()
	doc := parseOne(t, "left: {all: [{self: {a: {colour: red, nothing: b}}}]}\n")
	var into tree
	if err := doc.Decode(&into, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`1:26 unknown-field left.all[0].self.a.colour: unknown field "colour" (it belongs to leaf)`,
		`1:39 unknown-field left.all[0].self.a.nothing: unknown field "nothing"`,
	}
	if diff := cmp.Diff(want, format(doc.Problems())); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if names := strictyaml.FieldNames(into); len(names) != 6 {
		t.Errorf("fields are %v", names)
	}
}
