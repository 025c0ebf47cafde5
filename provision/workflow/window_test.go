package workflow_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// TestWindow runs a phase with a limit of hosts in parallel, after one without.
func TestWindow(t *testing.T) {
	t.Parallel()
	f := newFleet(8)
	var inside, most atomic.Int32
	bounded := workflow.Phase{Name: "join", MaxParallel: 2, Plan: func(context.Context, remote.Reader) ([]workflow.Action, error) {
		most.Store(max(most.Load(), inside.Add(1)))
		defer inside.Add(-1)
		return nil, nil
	}}
	r := f.runner()
	r.Concurrency = 3
	report := run(t, r, f.put("prepare"), bounded)
	if most.Load() > 2 || most.Load() < 1 {
		t.Errorf("%d hosts were in the phase at once", most.Load())
	}
	for _, host := range report.Hosts {
		if host.Phases[0].Status != workflow.Changed || host.Phases[1].Status != workflow.Unchanged {
			t.Errorf("%s: %v", host.Address, host.Phases)
		}
	}
}

func TestReadingPhaseIsDone(t *testing.T) {
	t.Parallel()
	f := newFleet(1)
	reads := workflow.Phase{Name: "ready", ReadOnly: true, Plan: func(context.Context, remote.Reader) ([]workflow.Action, error) {
		return nil, nil
	}}
	if got := run(t, f.runner(), reads).Hosts[0].Phases[0].Status; got != workflow.Done {
		t.Errorf("it is %s", got)
	}
}

// TestWindowIsGivenUp cancels a run in which hosts wait for a slot.
func TestWindowIsGivenUp(t *testing.T) {
	t.Parallel()
	f := newFleet(3)
	ctx, cancel := context.WithCancel(t.Context())
	bounded := workflow.Phase{Name: "join", MaxParallel: 1, Plan: func(ctx context.Context, _ remote.Reader) ([]workflow.Action, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	report, err := f.runner().Run(ctx, []workflow.Phase{bounded})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[workflow.Status]int{}
	for _, host := range report.Hosts {
		counts[host.Phases[0].Status]++
	}
	if counts[workflow.Failed] != 1 || counts[workflow.NotReached] != 2 {
		t.Errorf("%v", counts)
	}
}

// TestLostConnectionIsReadAgain loses the connection while a phase reads the host, and while it changes the host: only
// reading is retried.
func TestLostConnectionIsReadAgain(t *testing.T) {
	t.Parallel()
	lost := &remote.Error{Op: "probe", Reason: remote.ErrConnectionLost}
	for _, tc := range []struct {
		cuts    int
		changes bool
		want    workflow.Status
		looks   int
	}{
		{cuts: 1, want: workflow.Unchanged, looks: 2},
		{cuts: 2, want: workflow.Failed, looks: 2},
		{changes: true, want: workflow.Failed, looks: 1},
	} {
		looks := 0
		phase := workflow.Phase{Name: "look", Plan: func(context.Context, remote.Reader) ([]workflow.Action, error) {
			if looks++; looks <= tc.cuts {
				return nil, lost
			}
			if !tc.changes {
				return nil, nil
			}
			return []workflow.Action{{Summary: "change", Do: func(context.Context, remote.Host) error { return lost }}}, nil
		}}
		got := run(t, newFleet(1).runner(), phase).Hosts[0].Phases[0].Status
		if got != tc.want || looks != tc.looks {
			t.Errorf("%+v: %s after %d looks", tc, got, looks)
		}
	}
}
