package create_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/provision/clustertest"
	"github.com/dualstrap/dualstrap/provision/create"
)

func TestCreateResumesAfterEveryFault(t *testing.T) {
	t.Parallel()
	clean := clustertest.NewWorld(t, "dual-stack.yaml")
	if _, err := clean.Create(t); err != nil {
		t.Fatal(err)
	}
	// The workers are alike, so one of them is enough.
	changes := slices.DeleteFunc(clean.Changes(), func(call clustertest.Call) bool { return call.Host == clustertest.Addr("10.2.0.6") })
	clustertest.EachFault(t, changes, func(t *testing.T, host netip.Addr, name string, fault clustertest.Fault) {
		t.Helper()
		w := clustertest.NewWorld(t, "dual-stack.yaml")
		w.Break(clustertest.Once(host, name, fault))
		if _, err := w.Create(t); err == nil || !clustertest.IsInterrupted(err) {
			t.Fatalf("the first run: %v", err)
		}
		if tokens := w.Tokens(); len(tokens) > 0 {
			t.Errorf("a failed run leaves the token %q", tokens)
		}
		if _, err := w.Create(t); err != nil {
			t.Fatalf("the second run: %v", err)
		}
		w.ExpectCluster(t)
		w.Forget()
		if _, err := w.Create(t); err != nil || len(w.Changes()) > 0 {
			t.Errorf("the third run: %v, %v", err, w.Changes())
		}
	})
}

func TestCreateResumesJoinsOfControlPlane(t *testing.T) {
	t.Parallel()
	clean := clustertest.NewWorld(t, clustertest.ControlPlaneOnly)
	if _, err := clean.Create(t); err != nil {
		t.Fatal(err)
	}
	ofControlPlane := slices.DeleteFunc(clean.Changes(), func(call clustertest.Call) bool {
		return call.Host != clustertest.Addr("10.2.0.5") && !strings.Contains(call.Name, "certificates") &&
			!strings.Contains(call.Name, "balancer")
	})
	clustertest.EachFault(t, ofControlPlane, func(t *testing.T, host netip.Addr, name string, fault clustertest.Fault) {
		t.Helper()
		w := clustertest.NewWorld(t, clustertest.ControlPlaneOnly)
		w.Break(clustertest.Once(host, name, fault))
		if _, err := w.Create(t); err == nil {
			t.Fatal("the first run succeeds")
		}
		if _, err := w.Create(t); err != nil {
			t.Fatalf("the second run: %v", err)
		}
		w.ExpectCluster(t)
	})
}

// TestStaleMemberOfEtcd leaves a member in etcd that never votes, on a host that does not get further in the next run. The
// other hosts must be able to join.
func TestStaleMemberOfEtcd(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]clustertest.Fault{
		"joined": clustertest.After, "a learner": clustertest.Halfway, "joins still": clustertest.Lingers,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := clustertest.NewWorld(t, clustertest.ControlPlaneOnly)
			w.Break(func(call clustertest.Call) clustertest.Fault {
				if call.Name == "kubeadm join" && call.Host == clustertest.Addr("10.2.0.5") {
					return fault
				}
				return clustertest.None
			})
			if _, err := w.Create(t); err == nil {
				t.Fatal("the first run succeeds")
			}
			w.Break(func(call clustertest.Call) clustertest.Fault {
				if call.Host == clustertest.Addr("10.2.0.5") && call.Name == "stop the kubeadm of an earlier run" {
					return clustertest.Exits
				}
				return clustertest.None
			})
			if _, err := w.Create(t); err == nil || !w.Host(clustertest.Addr("10.2.0.6")).Joined() {
				t.Errorf("the second run: %v", err)
			}
			w.Break(nil)
			if _, err := w.Create(t); err != nil {
				t.Errorf("the third run: %v", err)
			}
			w.ExpectCluster(t)
		})
	}
}

func TestCreateIsInterrupted(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "dual-stack.yaml")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// The interrupt comes while the first node is made: that one is finished, and nothing else begins.
	w.Break(func(call clustertest.Call) clustertest.Fault {
		if call.Name == "kubeadm init" {
			cancel()
		}
		return clustertest.None
	})
	outcome, err := create.Run(ctx, w.Session(t))
	if !errors.Is(err, context.Canceled) && err == nil {
		t.Errorf("%v", err)
	}
	if joins := clustertest.Count(w.Calls(), "kubeadm join"); joins != 0 {
		t.Errorf("%d hosts join after the interrupt", joins)
	}
	if outcome.Run == nil {
		t.Fatal("there is no report")
	}
	w.Break(nil)
	if _, err := w.Create(t); err != nil {
		t.Fatal(err)
	}
	w.ExpectCluster(t)
}
