package allocator_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/dualstrap/dualstrap/allocator"
)

// TestClosed checks that a closed config allocates nothing and still counts as the owner of its nodes' blocks.
func TestClosed(t *testing.T) {
	t.Parallel()
	all := configs("old 10.0.0.0/22>24 fd00::/118>120 {p=1}", "new 10.1.0.0/22>24 fd01::/118>120")
	a := newAllocator(t, all)
	a.Add(parseNode(t, "n1 {p=1}"))
	if got, want := outcome(a.Allocate("n1")), "old 10.0.0.0/24 fd00::/120"; got != want {
		t.Fatalf("open: got %s, want %s", got, want)
	}
	all[0].Closed = true
	if err := a.SetConfigs(all); err != nil {
		t.Fatal(err)
	}
	if findings := a.Add(parseNode(t, "n2 {p=1}"), parseNode(t, "n3 {p=1} [10.0.1.0/24 fd00::100/120]")); len(findings) > 0 {
		t.Errorf("blocks of a closed config are reported: %v", findings)
	}
	for node, want := range map[string]string{
		"n1": "old 10.0.0.0/24 fd00::/120", "n2": "new 10.1.0.0/24 fd01::/120", "n3": "old 10.0.1.0/24 fd00::100/120",
	} {
		if got := outcome(a.Allocate(node)); got != want {
			t.Errorf("%s: got %s, want %s", node, got, want)
		}
	}
	if u := a.Usage()[0]; u.Config != "old" || u.Nodes != 2 || u.Allocated.Int64() != 2 {
		t.Errorf("usage of the closed config is %+v", u)
	}
}

// TestClosedMatchesNoNode checks that the error names no closed config, since it could not have served the node.
func TestClosedMatchesNoNode(t *testing.T) {
	t.Parallel()
	all := configs("old 10.0.0.0/22>24 fd00::/118>120", "new 10.1.0.0/22>24 fd01::/118>120 {p=2}")
	all[0].Closed = true
	a := newAllocator(t, all)
	a.Add(parseNode(t, "n1 {p=1}"))
	_, err := a.Allocate("n1")
	var noMatch *allocator.NoMatchError
	if !errors.As(err, &noMatch) || !slices.Equal(noMatch.Configs, []string{"new"}) {
		t.Errorf("got %v", err)
	}
}
