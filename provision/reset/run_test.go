package reset_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/provision/clustertest"
	"github.com/dualstrap/dualstrap/provision/reset"
	"github.com/dualstrap/dualstrap/provision/session"
)

// nodesOf returns the options of a reset of some nodes.
func nodesOf(addresses ...string) reset.Options {
	options := reset.Options{DrainTimeout: time.Minute}
	for _, address := range addresses {
		options.Nodes = append(options.Nodes, clustertest.Addr(address))
	}
	return options
}

// forced returns the options with Force.
func forced(options reset.Options) reset.Options {
	options.Force = true
	return options
}

func TestResetCluster(t *testing.T) {
	t.Parallel()
	w := clustertest.NewCluster(t, "ha.yaml")
	outcome, err := w.Reset(t, reset.Options{})
	if err != nil || len(outcome.Notes)+len(outcome.Unreachable) > 0 {
		t.Fatalf("%v, %+v", err, outcome)
	}
	w.ExpectBare(t)
	w.Forget()
	if _, err := w.Reset(t, reset.Options{}); err != nil || len(w.Changes()) > 0 {
		t.Errorf("the second run: %v, %v", err, w.Changes())
	}
	if _, err := w.Create(t); err != nil {
		t.Fatalf("a create afterwards: %v", err)
	}
	w.ExpectCluster(t)
}

func TestResetResumesAfterEveryFault(t *testing.T) {
	t.Parallel()
	clean := clustertest.NewCluster(t, "dual-stack.yaml")
	if _, err := clean.Reset(t, reset.Options{}); err != nil {
		t.Fatal(err)
	}
	changes := slices.DeleteFunc(clean.Changes(), func(call clustertest.Call) bool { return call.Host == clustertest.Addr("10.2.0.6") })
	clustertest.EachFault(t, changes, func(t *testing.T, host netip.Addr, name string, fault clustertest.Fault) {
		t.Helper()
		w := clustertest.NewCluster(t, "dual-stack.yaml")
		w.Break(clustertest.Once(host, name, fault))
		if _, err := w.Reset(t, reset.Options{}); err == nil || !clustertest.IsInterrupted(err) {
			t.Fatalf("the first run: %v", err)
		}
		if _, err := w.Reset(t, reset.Options{}); err != nil {
			t.Fatalf("the second run: %v", err)
		}
		w.ExpectBare(t)
	})
}

func TestResetNode(t *testing.T) {
	t.Parallel()
	for name, node := range map[string]string{"worker": "10.2.0.9", "control plane": "10.2.0.5", "load balancer": "10.2.0.7"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := clustertest.NewCluster(t, "ha.yaml")
			host := w.Host(clustertest.Addr(node))
			w.AddPod(host.Name(), "leaves")
			w.AddPod("host-10", "stays")
			if _, err := w.Reset(t, nodesOf(node)); err != nil {
				t.Fatal(err)
			}
			if pods := w.Pods(); !slices.Equal(pods, []string{"stays"}) {
				t.Errorf("pods: %q", pods)
			}
			if slices.Contains(w.Nodes(), host.Name()) || slices.Contains(w.Members(), host.Name()) || host.Joined() {
				t.Errorf("nodes %q, members %q", w.Nodes(), w.Members())
			}
			for _, call := range w.Changes() {
				if call.Host != clustertest.Addr(node) {
					t.Errorf("another host is changed: %s", call)
				}
			}
			if _, err := w.Create(t); err != nil {
				t.Fatalf("a create afterwards: %v", err)
			}
			w.ExpectCluster(t)
		})
	}
}

func TestResetNodeResumesAfterEveryFault(t *testing.T) {
	t.Parallel()
	const node = "10.2.0.5"
	clean := clustertest.NewCluster(t, clustertest.ControlPlaneOnly)
	if _, err := clean.Reset(t, nodesOf(node)); err != nil {
		t.Fatal(err)
	}
	clustertest.EachFault(t, clean.Changes(), func(t *testing.T, host netip.Addr, name string, fault clustertest.Fault) {
		t.Helper()
		w := clustertest.NewCluster(t, clustertest.ControlPlaneOnly)
		w.Break(clustertest.Once(host, name, fault))
		if _, err := w.Reset(t, nodesOf(node)); err == nil || !clustertest.IsInterrupted(err) {
			t.Fatalf("the first run: %v", err)
		}
		if _, err := w.Reset(t, nodesOf(node)); err != nil {
			t.Fatalf("the second run: %v", err)
		}
		if gone := w.Host(clustertest.Addr(node)).Name(); slices.Contains(w.Nodes(), gone) || slices.Contains(w.Members(), gone) {
			t.Errorf("nodes %q, members %q", w.Nodes(), w.Members())
		}
	})
}

func TestResetKeepsQuorum(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		down    []string
		options reset.Options
		refused string // empty if the reset succeeds
		members []string
	}{
		"one of three":               {nil, nodesOf("10.2.0.6"), "", []string{"host-1", "host-2"}},
		"two of three":               {nil, nodesOf("10.2.0.5", "10.2.0.6"), "", []string{"host-1"}},
		"all":                        {nil, nodesOf("10.2.0.4", "10.2.0.5", "10.2.0.6"), "no control plane node would be left", nil},
		"a healthy one, one is down": {[]string{"10.2.0.5"}, nodesOf("10.2.0.6"), "etcd would lose its quorum", nil},
		"one, two are down":          {[]string{"10.2.0.5", "10.2.0.4"}, nodesOf("10.2.0.6"), "etcd", nil},
		"a worker, one is down":      {[]string{"10.2.0.5"}, nodesOf("10.2.0.9"), "", []string{"host-1", "host-2", "host-3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := clustertest.NewCluster(t, "ha.yaml")
			for _, address := range test.down {
				w.Host(clustertest.Addr(address)).SetDown(true)
			}
			_, err := w.Reset(t, test.options)
			if test.refused == "" {
				if err != nil {
					t.Fatal(err)
				}
				if members := w.Members(); !slices.Equal(members, test.members) {
					t.Errorf("members: %q", members)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%v, want %q", err, test.refused)
			}
			if changes := w.Changes(); len(changes) > 0 {
				t.Errorf("changes: %v", changes)
			}
		})
	}
}

// TestResetUnreachableNode removes a node whose host is gone: without --force it stays in the cluster.
func TestResetUnreachableNode(t *testing.T) {
	t.Parallel()
	for _, node := range []string{"10.2.0.6", "10.2.0.9"} {
		t.Run(node, func(t *testing.T) {
			t.Parallel()
			w := clustertest.NewCluster(t, "ha.yaml")
			host := w.Host(clustertest.Addr(node))
			host.SetDown(true)
			outcome, err := w.Reset(t, nodesOf(node))
			if err == nil || len(outcome.Unreachable) != 1 || !slices.Contains(w.Nodes(), host.Name()) {
				t.Errorf("without force: %v, %+v, nodes %q", err, outcome, w.Nodes())
			}
			outcome, err = w.Reset(t, forced(nodesOf(node)))
			if err == nil || len(outcome.Unreachable) != 1 {
				t.Errorf("the host that was not reset is no error: %v", err)
			}
			if slices.Contains(w.Nodes(), host.Name()) || slices.Contains(w.Members(), host.Name()) {
				t.Errorf("nodes %q, members %q", w.Nodes(), w.Members())
			}
		})
	}
}

// TestResetDoesNotUseLeavingAPIServers resets the control plane node that is asked first.
func TestResetDoesNotUseLeavingAPIServers(t *testing.T) {
	t.Parallel()
	w := clustertest.NewCluster(t, clustertest.ControlPlaneOnly)
	if _, err := w.Reset(t, nodesOf("10.2.0.4")); err != nil {
		t.Fatal(err)
	}
	if members := w.Members(); !slices.Equal(members, []string{"host-2", "host-3"}) {
		t.Errorf("members: %q", members)
	}
}

func TestResetIsRefused(t *testing.T) {
	t.Parallel()
	w := clustertest.NewCluster(t, "dual-stack.yaml")
	_, err := w.Reset(t, nodesOf("10.9.9.9"))
	var unknown *reset.UnknownNodesError
	if !errors.As(err, &unknown) || len(unknown.Known) != 3 {
		t.Errorf("an unknown node: %v", err)
	}
	w.Hosts()[0].Lock("somebody else")
	_, err = w.Reset(t, reset.Options{})
	var locked *session.LockedError
	if !errors.As(err, &locked) {
		t.Errorf("a locked cluster: %v", err)
	}
	if changes := w.Changes(); len(changes) > 0 {
		t.Errorf("changes: %v", changes)
	}
}

func TestResetInOrder(t *testing.T) {
	t.Parallel()
	w := clustertest.NewCluster(t, clustertest.ControlPlaneOnly)
	if _, err := w.Reset(t, nodesOf("10.2.0.5", "10.2.0.6")); err != nil {
		t.Fatal(err)
	}
	calls := w.Calls()
	for _, host := range []string{"10.2.0.5", "10.2.0.6"} {
		order := []string{
			"stop the kubelet", "end all pods and remove their network", "remove the join marker", "undo changes",
			"remove the record of changes",
		}
		for i := 1; i < len(order); i++ {
			if first, second := clustertest.Index(calls, host, order[i-1]), clustertest.Index(calls, host, order[i]); first < 0 || second < first {
				t.Errorf("%s: %q is call %d, %q is call %d", host, order[i-1], first, order[i], second)
			}
		}
	}
}
