package soak_test

import (
	"testing"

	"github.com/dualstrap/dualstrap/internal/soak"
)

func TestSoak(t *testing.T) {
	t.Setenv("DUALSTRAP_SOAK", "")
	if rounds, seed := soak.Rounds(2, 30), soak.Seed(t, 7); rounds != 2 || seed != 7 {
		t.Errorf("make test runs %d rounds with seed %d", rounds, seed)
	}
	t.Setenv("DUALSTRAP_SOAK", "41")
	if rounds, seed := soak.Rounds(2, 30), soak.Seed(t, 7); rounds != 30 || seed != 41 {
		t.Errorf("make soak runs %d rounds with seed %d", rounds, seed)
	}
	t.Setenv("DUALSTRAP_SOAK", "yes")
	run := &failing{TB: t}
	if soak.Seed(run, 7); !run.failed {
		t.Error("a seed that is not a number was taken")
	}
}

// failing is a test that records whether it has failed.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Fatalf(string, ...any) { f.failed = true }
