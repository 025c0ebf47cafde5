package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestDifferingFields(t *testing.T) {
	t.Parallel()
	live := map[string]any{
		"kind":     "Node",
		"metadata": map[string]any{"labels": map[string]any{"example.com/rack": "a", "tier": "x"}, "name": "n"},
		"spec":     map[string]any{"taints": []any{"a"}, "unschedulable": true},
	}
	applied := map[string]any{
		"kind":     "Node",
		"metadata": map[string]any{"labels": map[string]any{"example.com/rack": "b", "tier": "x"}, "name": "n"},
		"spec":     map[string]any{"taints": []any{"a", "b"}, "providerID": "p"},
	}
	want := []string{"metadata.labels[example.com/rack]", "spec.providerID", "spec.taints", "spec.unschedulable"}
	got := differingFields(live, applied)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields differ (-want +got):\n%s", diff)
	}
	if same := differingFields(live, live); len(same) > 0 {
		t.Errorf("an object differs from itself in %v", same)
	}
	object := Object{&unstructured.Unstructured{Object: applied}}
	const summary = "update Node n: metadata.labels[example.com/rack], spec.providerID, spec.taints and 1 more"
	if got := updating(got).Summary(object); got != summary {
		t.Errorf("summary %q, want %q", got, summary)
	}
	if got := (Difference{Verb: Create}).Summary(object); got != "create Node n" {
		t.Errorf("summary %q", got)
	}
}
