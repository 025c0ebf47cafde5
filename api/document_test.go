package api_test

import (
	"testing"

	"github.com/dualstrap/dualstrap/api"
)

func TestDocumentPosition(t *testing.T) {
	t.Parallel()
	m, problems := api.Parse([]api.Source{inline(
		"apiVersion: baremetal.cluster.gke.io/v1", "kind: NodePool", "metadata:", "  name: workers", "spec:",
		"  nodes:", "  - address: 10.2.0.5", "  - {address: 10.2.0.6, k8sIP: 10.2.1.6}", "  labels:", "    example.com/rack: a", "  taints:",
	)})
	if len(problems) > 0 {
		t.Fatal(listed(problems))
	}
	doc := m.NodePools[0].Doc
	for _, tc := range []struct {
		path         string
		line, column int
		has          bool
	}{
		{"", 1, 1, true},
		{"kind", 2, 1, true},
		{"metadata.name", 4, 3, true},
		{"metadata.namespace", 3, 1, false},
		{"spec.nodes[0].address", 7, 5, true},
		{"spec.nodes[0].k8sIP", 7, 5, false},
		{"spec.nodes[1].k8sIP", 8, 25, true},
		{"spec.nodes[2]", 6, 3, false},
		{"spec.labels[example.com/rack]", 10, 5, true},
		{"spec.taints", 11, 3, false},
	} {
		if line, column := doc.Position(tc.path); line != tc.line || column != tc.column {
			t.Errorf("%q is at %d:%d, want %d:%d", tc.path, line, column, tc.line, tc.column)
		}
		if doc.Has(tc.path) != tc.has {
			t.Errorf("Has(%q) is %t", tc.path, !tc.has)
		}
	}
}

// TestDocumentWithoutText checks documents that were not parsed, as in tests and generated manifests.
func TestDocumentWithoutText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		doc          api.Document
		line, column int
	}{
		{api.Document{File: "a"}, 0, 0},
		{api.Document{File: "a", Line: 7}, 7, 1},
	} {
		if line, column := tc.doc.Position("spec"); line != tc.line || column != tc.column || tc.doc.Has("spec") {
			t.Errorf("%+v: the field is at %d:%d", tc.doc, line, column)
		}
	}
}
