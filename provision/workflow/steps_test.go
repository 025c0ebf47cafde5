package workflow_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// TestStepsOfAnAction checks that what an action reports of its steps arrives as events of its host and phase.
func TestStepsOfAnAction(t *testing.T) {
	t.Parallel()
	r := newFleet(1).runner()
	var got []string
	r.Observe = func(e workflow.Event) {
		got = append(got, fmt.Sprintf("%s %s [%s] [%s] %d/%d [%s]", e.Host, e.Phase, e.Action, e.Step, e.Done, e.Of, e.Status))
	}
	run(t, r, workflow.Phase{Name: "prepare", Plan: func(context.Context, remote.Reader) ([]workflow.Action, error) {
		return []workflow.Action{{Summary: "prepare the host", Do: func(ctx context.Context, _ remote.Host) error {
			report := workflow.StepReporter(ctx)
			report("write files", 0, 2)
			report("import image pause", 1, 2)
			return nil
		}}}, nil
	}})
	want := []string{
		"10.0.0.1 prepare [] [] 0/0 []",
		"10.0.0.1 prepare [prepare the host] [] 0/0 []",
		"10.0.0.1 prepare [] [write files] 0/2 []",
		"10.0.0.1 prepare [] [import image pause] 1/2 []",
		"10.0.0.1 prepare [] [] 0/0 [changed]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestStepsOfNoAction checks that code that reports its steps also runs outside of a workflow.
func TestStepsOfNoAction(t *testing.T) {
	t.Parallel()
	workflow.StepReporter(t.Context())("write files", 0, 1)
}
