package prove_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/dualstrap/dualstrap/provision/clustertest"
	"github.com/dualstrap/dualstrap/provision/prove"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// TestNoCluster proves hosts that are not a cluster: that is an error and not a failed check, nothing is changed, and the
// progress of the phase ends.
func TestNoCluster(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "dual-stack.yaml")
	var mu sync.Mutex
	var events []workflow.Event
	s, err := session.Open(w.Loaded, session.Options{
		Version: "v1.0.0", Connect: w.Connect, API: w.API, Observe: func(event workflow.Event) {
			mu.Lock()
			defer mu.Unlock()
			if event.Phase == "prove" {
				events = append(events, event)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	report, err := prove.Run(t.Context(), s)
	if !errors.Is(err, session.ErrNoCluster) || report.OK || len(report.Checks) > 0 {
		t.Errorf("%v, %+v", err, report)
	}
	if len(events) != 2 || events[0].Status != "" || events[1].Status != workflow.Failed || events[1].Err == nil {
		t.Errorf("events: %+v", events)
	}
	if changes := w.Changes(); len(changes) > 0 {
		t.Errorf("changes: %v", changes)
	}
}
