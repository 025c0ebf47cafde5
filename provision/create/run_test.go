package create_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/provision/clustertest"
	"github.com/dualstrap/dualstrap/provision/create"
	"github.com/dualstrap/dualstrap/provision/preflight"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "ha.yaml")
	outcome, err := w.Create(t)
	if err != nil {
		t.Fatal(err)
	}
	w.ExpectCluster(t)
	if len(outcome.Kubeconfig) == 0 || len(outcome.Unlisted) > 0 {
		t.Errorf("kubeconfig of %d bytes, unlisted %q", len(outcome.Kubeconfig), outcome.Unlisted)
	}
	calls := w.Calls()
	if inits, joins := clustertest.Count(calls, "kubeadm init"), clustertest.Count(calls, "kubeadm join"); inits != 1 || joins != 9 {
		t.Errorf("%d inits and %d joins", inits, joins)
	}
	// The order that create's phases promise, as pairs of calls.
	for _, order := range [][4]string{
		{"10.2.0.7", "start the load balancer", "10.2.0.4", "kubeadm init"},
		{"10.2.0.8", "start the load balancer", "10.2.0.4", "kubeadm init"},
		{"10.2.0.4", "make settings and units take effect", "10.2.0.4", "kubeadm init"},
		{"10.2.0.4", "kubeadm init", "10.2.0.5", "kubeadm join"},
		{"10.2.0.5", "kubeadm join", "10.2.0.9", "kubeadm join"},
		{"10.2.0.6", "kubeadm join", "10.2.0.9", "kubeadm join"},
		{"10.2.0.6", "kubeadm join", "10.2.0.7", "kubeadm join"},
	} {
		first, second := clustertest.Index(calls, order[0], order[1]), clustertest.Index(calls, order[2], order[3])
		if first < 0 || second < first {
			t.Errorf("%s of %s is call %d, and %s of %s is call %d", order[1], order[0], first, order[3], order[2], second)
		}
	}
	// Two control plane nodes must not join at once: the first one has its marker before the second one begins.
	second, third := clustertest.Index(calls, "10.2.0.5", "kubeadm join"), clustertest.Index(calls, "10.2.0.6", "kubeadm join")
	before := calls[min(second, third):max(second, third)]
	if clustertest.Index(before, before[0].Host.String(), "write files") < 0 {
		t.Errorf("two control plane nodes join at once: %v", before)
	}
	for _, host := range w.Hosts()[3:] {
		if slices.Contains(host.State(), "API server") {
			t.Errorf("%s is no control plane node", host.Name())
		}
	}
}

func TestSecondCreateChangesNothing(t *testing.T) {
	t.Parallel()
	for _, example := range []string{"dual-stack.yaml", "ha.yaml", "flat-ipv4.yaml", "manual-lb.yaml", "per-pool.yaml"} {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			w := clustertest.NewCluster(t, example)
			outcome, err := w.Create(t)
			if err != nil {
				t.Fatal(err)
			}
			if changes := w.Changes(); len(changes) > 0 {
				t.Errorf("the second run changes: %v", changes)
			}
			for _, host := range outcome.Run.Hosts {
				for _, phase := range host.Phases {
					if phase.Status != workflow.Unchanged && phase.Status != workflow.Done {
						t.Errorf("%s: %s is %s", host.Address, phase.Name, phase.Status)
					}
				}
			}
		})
	}
}

func TestCreateIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		world func(t *testing.T) *clustertest.World
		want  any
	}{
		"locked": {func(t *testing.T) *clustertest.World {
			t.Helper()
			w := clustertest.NewWorld(t, "dual-stack.yaml")
			w.Hosts()[0].Lock("somebody else")
			return w
		}, new(*session.LockedError)},
		"unreachable": {func(t *testing.T) *clustertest.World {
			t.Helper()
			w := clustertest.NewWorld(t, "dual-stack.yaml")
			w.Hosts()[2].SetDown(true)
			return w
		}, new(*preflight.FailedChecksError)},
		"renamed": {func(t *testing.T) *clustertest.World {
			t.Helper()
			w := clustertest.NewCluster(t, "dual-stack.yaml")
			w.Hosts()[1].Rename("another-name")
			return w
		}, new(*refusal.Error)},
		"without a way to the API server": {func(t *testing.T) *clustertest.World {
			t.Helper()
			w := clustertest.NewWorld(t, "dual-stack.yaml")
			w.Hosts()[0].RefuseForwarding()
			return w
		}, new(*preflight.FailedChecksError)},
		"of another cluster": {func(t *testing.T) *clustertest.World {
			t.Helper()
			w := clustertest.NewWorld(t, "dual-stack.yaml")
			w.Hosts()[1].Write("/etc/dualstrap/cluster.yaml", "controlPlaneEndpoint: 10.9.9.9:443\n")
			return w
		}, new(*refusal.Error)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := test.world(t)
			outcome, err := w.Create(t)
			if !errors.As(err, test.want) {
				t.Errorf("%v", err)
			}
			if changes := w.Changes(); len(changes) > 0 || outcome.Run != nil {
				t.Errorf("changes: %v", changes)
			}
		})
	}
}

func TestCreateKeepsImmutableFields(t *testing.T) {
	t.Parallel()
	w := clustertest.NewCluster(t, "dual-stack.yaml")
	config := *w.Loaded.Config
	config.MaxPodsPerNode++
	w.Loaded.Config = &config
	_, err := w.Create(t)
	var refused *refusal.Error
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "maxPodsPerNode") {
		t.Errorf("%v", err)
	}
	if changes := w.Changes(); len(changes) > 0 {
		t.Errorf("changes: %v", changes)
	}
}

// TestEveryPhaseIsObserved holds the events of a run to the phases of its report.
func TestEveryPhaseIsObserved(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "dual-stack.yaml")
	ended := make(chan workflow.Event, 1000)
	s, err := session.Open(w.Loaded, session.Options{
		Version: "v1.0.0", Connect: w.Connect, API: w.API, Observe: func(event workflow.Event) {
			if event.Status != "" {
				ended <- event
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	outcome, err := create.Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	close(ended)
	seen := map[string]bool{}
	for event := range ended {
		seen[event.Host.String()+" "+event.Phase] = true
	}
	for _, host := range outcome.Run.Hosts {
		for _, phase := range host.Phases {
			if !seen[host.Address.String()+" "+phase.Name] {
				t.Errorf("%s: no event ends %s", host.Address, phase.Name)
			}
		}
	}
}
