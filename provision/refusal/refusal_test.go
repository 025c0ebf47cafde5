package refusal_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/dualstrap/dualstrap/provision/refusal"
)

func TestReasons(t *testing.T) {
	t.Parallel()
	err := refusal.Because("the VIP differs", "the name differs")
	var refused *refusal.Error
	if !errors.As(err, &refused) || err.Error() != "refused, nothing was changed: the VIP differs; the name differs" {
		t.Errorf("%v", err)
	}
	if err := refusal.IfAny(nil); err != nil {
		t.Errorf("without reasons: %v", err)
	}
	if err := refusal.IfAny([]string{"x"}); !errors.As(err, &refused) || !slices.Equal(refused.Reasons, []string{"x"}) {
		t.Errorf("with one: %v", err)
	}
}

// TestDifferences checks that a reason stands once, with the nodes that it concerns, of which only the first are named.
func TestDifferences(t *testing.T) {
	t.Parallel()
	var differences refusal.Differences
	if got := differences.Reasons(); len(got) > 0 {
		t.Errorf("without any: %q", got)
	}
	for i := range 7 {
		differences.AddAt("another version", "node-"+strconv.Itoa(i+1))
		if i < 5 {
			differences.AddAt("another address", "node-"+strconv.Itoa(i+1))
		}
	}
	differences.AddAt("alone", "node-9")
	want := []string{
		"node-1, node-2, node-3, node-4, node-5 and 2 others: another version",
		"node-1, node-2, node-3, node-4, node-5: another address",
		"node-9: alone",
	}
	if got := differences.Reasons(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	differences.AddAt("another address", "node-6")
	if got := differences.Reasons()[1]; got != "node-1, node-2, node-3, node-4, node-5 and 1 other: another address" {
		t.Errorf("with one more: %q", got)
	}
}
