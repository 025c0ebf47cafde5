package provision_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/provision/clustertest"
)

// nodesOf returns the options of a reset of some nodes.
func nodesOf(addresses ...string) provision.ResetOptions {
	options := provision.ResetOptions{DrainTimeout: time.Minute}
	for _, address := range addresses {
		options.Nodes = append(options.Nodes, addr(address))
	}
	return options
}

// forced returns the options with Force.
func forced(options provision.ResetOptions) provision.ResetOptions {
	options.Force = true
	return options
}

func TestResetCluster(t *testing.T) {
	t.Parallel()
	w := newCluster(t, "ha.yaml")
	outcome, err := w.reset(t, provision.ResetOptions{})
	if err != nil || len(outcome.Notes)+len(outcome.Unreachable) > 0 {
		t.Fatalf("%v, %+v", err, outcome)
	}
	w.expectBare(t)
	w.Forget()
	if _, err := w.reset(t, provision.ResetOptions{}); err != nil || len(w.Changes()) > 0 {
		t.Errorf("the second run: %v, %v", err, w.Changes())
	}
	if _, err := w.create(t); err != nil {
		t.Fatalf("a create afterwards: %v", err)
	}
	w.expectCluster(t)
}

func TestResetResumesAfterEveryFault(t *testing.T) {
	t.Parallel()
	clean := newCluster(t, "dual-stack.yaml")
	if _, err := clean.reset(t, provision.ResetOptions{}); err != nil {
		t.Fatal(err)
	}
	changes := slices.DeleteFunc(clean.Changes(), func(call clustertest.Call) bool { return call.Host == addr("10.2.0.6") })
	eachFault(t, changes, func(t *testing.T, host netip.Addr, name string, fault clustertest.Fault) {
		t.Helper()
		w := newCluster(t, "dual-stack.yaml")
		w.Break(once(host, name, fault))
		if _, err := w.reset(t, provision.ResetOptions{}); err == nil || !interrupted(err) {
			t.Fatalf("the first run: %v", err)
		}
		if _, err := w.reset(t, provision.ResetOptions{}); err != nil {
			t.Fatalf("the second run: %v", err)
		}
		w.expectBare(t)
	})
}

func TestResetNode(t *testing.T) {
	t.Parallel()
	for name, node := range map[string]string{"worker": "10.2.0.9", "control plane": "10.2.0.5", "load balancer": "10.2.0.7"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newCluster(t, "ha.yaml")
			host := w.Host(addr(node))
			w.AddPod(host.Name(), "leaves")
			w.AddPod("host-10", "stays")
			if _, err := w.reset(t, nodesOf(node)); err != nil {
				t.Fatal(err)
			}
			if pods := w.Pods(); !slices.Equal(pods, []string{"stays"}) {
				t.Errorf("pods: %q", pods)
			}
			if slices.Contains(w.Nodes(), host.Name()) || slices.Contains(w.Members(), host.Name()) || host.Joined() {
				t.Errorf("nodes %q, members %q", w.Nodes(), w.Members())
			}
			for _, call := range w.Changes() {
				if call.Host != addr(node) {
					t.Errorf("another host is changed: %s", call)
				}
			}
			if _, err := w.create(t); err != nil {
				t.Fatalf("a create afterwards: %v", err)
			}
			w.expectCluster(t)
		})
	}
}

func TestResetNodeResumesAfterEveryFault(t *testing.T) {
	t.Parallel()
	const node = "10.2.0.5"
	clean := newCluster(t, controlPlaneOnly)
	if _, err := clean.reset(t, nodesOf(node)); err != nil {
		t.Fatal(err)
	}
	eachFault(t, clean.Changes(), func(t *testing.T, host netip.Addr, name string, fault clustertest.Fault) {
		t.Helper()
		w := newCluster(t, controlPlaneOnly)
		w.Break(once(host, name, fault))
		if _, err := w.reset(t, nodesOf(node)); err == nil || !interrupted(err) {
			t.Fatalf("the first run: %v", err)
		}
		if _, err := w.reset(t, nodesOf(node)); err != nil {
			t.Fatalf("the second run: %v", err)
		}
		if gone := w.Host(addr(node)).Name(); slices.Contains(w.Nodes(), gone) || slices.Contains(w.Members(), gone) {
			t.Errorf("nodes %q, members %q", w.Nodes(), w.Members())
		}
	})
}

func TestResetKeepsQuorum(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		down    []string
		options provision.ResetOptions
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
			w := newCluster(t, "ha.yaml")
			for _, address := range test.down {
				w.Host(addr(address)).SetDown(true)
			}
			_, err := w.reset(t, test.options)
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
			w := newCluster(t, "ha.yaml")
			host := w.Host(addr(node))
			host.SetDown(true)
			outcome, err := w.reset(t, nodesOf(node))
			if err == nil || len(outcome.Unreachable) != 1 || !slices.Contains(w.Nodes(), host.Name()) {
				t.Errorf("without force: %v, %+v, nodes %q", err, outcome, w.Nodes())
			}
			outcome, err = w.reset(t, forced(nodesOf(node)))
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
	w := newCluster(t, controlPlaneOnly)
	if _, err := w.reset(t, nodesOf("10.2.0.4")); err != nil {
		t.Fatal(err)
	}
	if members := w.Members(); !slices.Equal(members, []string{"host-2", "host-3"}) {
		t.Errorf("members: %q", members)
	}
}

func TestResetIsRefused(t *testing.T) {
	t.Parallel()
	w := newCluster(t, "dual-stack.yaml")
	_, err := w.reset(t, nodesOf("10.9.9.9"))
	var unknown *provision.UnknownNodesError
	if !errors.As(err, &unknown) || len(unknown.Known) != 3 {
		t.Errorf("an unknown node: %v", err)
	}
	w.Hosts()[0].Lock("somebody else")
	_, err = w.reset(t, provision.ResetOptions{})
	var locked *provision.LockedError
	if !errors.As(err, &locked) {
		t.Errorf("a locked cluster: %v", err)
	}
	if changes := w.Changes(); len(changes) > 0 {
		t.Errorf("changes: %v", changes)
	}
}

func TestResetInOrder(t *testing.T) {
	t.Parallel()
	w := newCluster(t, controlPlaneOnly)
	if _, err := w.reset(t, nodesOf("10.2.0.5", "10.2.0.6")); err != nil {
		t.Fatal(err)
	}
	calls := w.Calls()
	for _, host := range []string{"10.2.0.5", "10.2.0.6"} {
		order := []string{
			"stop the kubelet", "end all pods and remove their network", "remove the join marker", "undo changes",
			"remove the record of changes",
		}
		for i := 1; i < len(order); i++ {
			if first, second := index(calls, host, order[i-1]), index(calls, host, order[i]); first < 0 || second < first {
				t.Errorf("%s: %q is call %d, %q is call %d", host, order[i-1], first, order[i], second)
			}
		}
	}
}
