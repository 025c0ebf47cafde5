package rotate_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/provision/clustertest"
	"github.com/dualstrap/dualstrap/provision/keys"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/rotate"
	"github.com/dualstrap/dualstrap/render"
)

// newCluster returns three control plane nodes that encrypt Secrets, of which there are some.
func newCluster(t *testing.T) *clustertest.World {
	t.Helper()
	w := clustertest.NewCluster(t, clustertest.ControlPlaneOnly, clustertest.Encrypting)
	for i, name := range []string{"a", "b", "c"} {
		w.AddSecret(w.Hosts()[i], name)
	}
	if got := w.SecretKeys(); !slices.Equal(got, []string{"key-1"}) {
		t.Fatalf("Secrets are encrypted with %q", got)
	}
	return w
}

// rotateKey rotates the key in a new session.
func rotateKey(t *testing.T, w *clustertest.World) (keys.Outcome, error) {
	t.Helper()
	return rotate.EncryptionKey(t.Context(), w.Session(t))
}

// expectRotated fails the test unless everything is encrypted with one key, which all control plane nodes have and no other.
func expectRotated(t *testing.T, w *clustertest.World, key string) {
	t.Helper()
	if got := w.SecretKeys(); !slices.Equal(got, []string{key}) {
		t.Errorf("Secrets are encrypted with %q, want %s", got, key)
	}
	if lines := w.Unreadable(); len(lines) > 0 {
		t.Error(lines)
	}
	contents := map[string]bool{}
	for _, host := range w.Hosts()[:3] {
		content, _ := host.Read(render.EncryptionConfig)
		contents[content] = true
		if !strings.Contains(content, key) || strings.Count(content, "name: key-") != 1 {
			t.Errorf("%s has %d keys, or not %s", host.Name(), strings.Count(content, "name: key-"), key)
		}
	}
	if len(contents) != 1 {
		t.Errorf("the files of keys are %d different ones", len(contents))
	}
}

func TestRotateEncryptionKey(t *testing.T) {
	t.Parallel()
	w := newCluster(t)
	// Secrets are read all the time, so each API server has to be able to at any moment.
	w.Break(func(call clustertest.Call) clustertest.Fault {
		if lines := w.Unreadable(); len(lines) > 0 {
			t.Errorf("before %s: %v", call, lines)
		}
		return clustertest.None
	})
	outcome, err := rotateKey(t, w)
	if err != nil || outcome.Key != "key-2" || outcome.Resumed || outcome.Rewritten != 3 {
		t.Fatalf("%v, %+v", err, outcome)
	}
	expectRotated(t, w, "key-2")
	if outcome, err = rotateKey(t, w); err != nil || outcome.Key != "key-3" {
		t.Fatalf("the second rotation: %v, %+v", err, outcome)
	}
	expectRotated(t, w, "key-3")
	w.Forget()
	if _, err := w.Create(t); err != nil || len(w.Changes()) > 0 {
		t.Errorf("a create afterwards: %v, %v", err, w.Changes())
	}
}

func TestRotateResumesAfterEveryFault(t *testing.T) {
	t.Parallel()
	clean := newCluster(t)
	if _, err := rotateKey(t, clean); err != nil {
		t.Fatal(err)
	}
	clustertest.EachFault(t, clean.Changes(), func(t *testing.T, host netip.Addr, name string, fault clustertest.Fault) {
		t.Helper()
		w := newCluster(t)
		w.Break(clustertest.Once(host, name, fault))
		if _, err := rotateKey(t, w); !clustertest.IsInterrupted(err) {
			t.Fatalf("the first run: %v", err)
		}
		if lines := w.Unreadable(); len(lines) > 0 {
			t.Error(lines)
		}
		outcome, err := rotateKey(t, w)
		if err != nil {
			t.Fatalf("the second run: %v", err)
		}
		expectRotated(t, w, outcome.Key)
	})
}

// TestJoiningNodesGetTheKey removes a control plane node, which takes its keys along, and has it join again after a rotation.
func TestJoiningNodesGetTheKey(t *testing.T) {
	t.Parallel()
	w := newCluster(t)
	third := w.Hosts()[2]
	third.Remove(render.EncryptionConfig)
	if _, err := rotateKey(t, w); err == nil || !strings.Contains(err.Error(), "dualstrap create cluster brings it back") {
		t.Fatalf("without the file: %v", err)
	}
	if _, err := w.Create(t); err != nil {
		t.Fatal(err)
	}
	if content, _ := third.Read(render.EncryptionConfig); !strings.Contains(content, "key-1") {
		t.Errorf("create did not bring back the file: %q", content)
	}
	if _, err := rotateKey(t, w); err != nil {
		t.Fatal(err)
	}
	expectRotated(t, w, "key-2")
}

func TestRotateIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		world   func(t *testing.T) *clustertest.World
		refused bool // with exit code 4
		want    string
	}{
		"no cluster": {func(t *testing.T) *clustertest.World {
			t.Helper()
			return clustertest.NewWorld(t, clustertest.ControlPlaneOnly, clustertest.Encrypting)
		}, true, "the hosts are not a cluster yet"},
		"no encryption": {func(t *testing.T) *clustertest.World {
			t.Helper()
			return clustertest.NewCluster(t, clustertest.ControlPlaneOnly)
		}, true, "the cluster does not encrypt Secrets"},
		"a node is down": {func(t *testing.T) *clustertest.World {
			t.Helper()
			w := newCluster(t)
			w.Hosts()[1].SetDown(true)
			return w
		}, false, "10.2.0.5 has to take part, and nothing was changed"},
		"different files": {func(t *testing.T) *clustertest.World {
			t.Helper()
			w, other := newCluster(t), newCluster(t)
			if _, err := rotateKey(t, other); err != nil {
				t.Fatal(err)
			}
			content, _ := other.Hosts()[0].Read(render.EncryptionConfig)
			w.Hosts()[2].Write(render.EncryptionConfig, content)
			return w
		}, true, "is not the same on all control plane nodes"},
		"another cluster": {func(t *testing.T) *clustertest.World {
			t.Helper()
			w := newCluster(t)
			w.Hosts()[0].Write("/etc/dualstrap/cluster.yaml", "controlPlaneEndpoint: 10.9.9.9:443\n")
			w.Hosts()[0].Write("/etc/kubernetes/kubelet.conf", "    server: https://10.9.9.9:443\n")
			return w
		}, true, "10.2.0.4 belongs to the cluster at"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := test.world(t)
			w.Forget()
			_, err := rotateKey(t, w)
			var refused *refusal.Error
			if err == nil || errors.As(err, &refused) != test.refused || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q, refused: %t", err, test.want, test.refused)
			}
			if changes := w.Changes(); len(changes) > 0 {
				t.Errorf("changes: %v", changes)
			}
		})
	}
}
