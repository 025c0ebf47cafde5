package clustertest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/create"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/load/loadtest"
	"github.com/dualstrap/dualstrap/provision/reset"
	"github.com/dualstrap/dualstrap/provision/session"
)

// World is the hosts of an example in memory, and the manifests.
type World struct {
	*Cluster

	Loaded load.Cluster
	// bare is the state of the hosts before anything was done, in their order.
	bare [][]string
}

// ControlPlaneOnly names the example ha.yaml without its workers: three control plane nodes and two load balancer nodes.
const ControlPlaneOnly = "ha.yaml without workers"

// loadExample loads an example, or ControlPlaneOnly.
func loadExample(t *testing.T, example string) load.Cluster {
	t.Helper()
	if example != ControlPlaneOnly {
		return loadtest.Example(t, example)
	}
	documents := slices.DeleteFunc(strings.Split(string(loadtest.Read(t, "ha.yaml")), "\n---\n"), func(document string) bool {
		return strings.Contains(document, "kind: NodePool\n")
	})
	return load.Manifests([]api.Source{{Name: "ha.yaml", Data: []byte(strings.Join(documents, "\n---\n"))}})
}

// Encrypting has a cluster encrypt its Secrets. It is for [NewWorld] and [NewCluster].
func Encrypting(config *api.Config) { config.Security.EncryptSecrets = true }

// NewWorld returns the bare hosts of an example, whose configuration the changes change.
func NewWorld(t *testing.T, example string, changes ...func(*api.Config)) *World {
	t.Helper()
	loaded := loadExample(t, example)
	if loaded.Problems.HasErrors() {
		t.Fatal(loaded.Problems)
	}
	for _, change := range changes {
		change(loaded.Config)
	}
	w := &World{Cluster: New(t, loaded.Config), Loaded: loaded}
	for _, host := range w.Hosts() {
		w.bare = append(w.bare, host.State())
	}
	return w
}

// NewCluster returns the hosts of an example after a create, with no calls recorded.
func NewCluster(t *testing.T, example string, changes ...func(*api.Config)) *World {
	t.Helper()
	w := NewWorld(t, example, changes...)
	if _, err := w.Create(t); err != nil {
		t.Fatalf("create: %v", err)
	}
	w.Forget()
	return w
}

// Session returns a session for the hosts.
func (w *World) Session(t *testing.T) *session.Session {
	t.Helper()
	s, err := session.Open(w.Loaded, session.Options{
		Version: "v1.0.0", Connect: w.Connect, API: w.API,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Create runs create in a new session.
func (w *World) Create(t *testing.T) (create.Outcome, error) {
	t.Helper()
	return create.Run(t.Context(), w.Session(t))
}

// Reset runs reset in a new session.
func (w *World) Reset(t *testing.T, options reset.Options) (reset.Outcome, error) {
	t.Helper()
	return reset.Run(t.Context(), w.Session(t), options)
}

// Index returns the position of the first call of that name on a host, or -1.
func Index(calls []Call, host, name string) int {
	return slices.IndexFunc(calls, func(call Call) bool { return call.String() == host+" "+name })
}

// Count returns how many calls have the name.
func Count(calls []Call, name string) int {
	n := 0
	for _, call := range calls {
		if call.Name == name {
			n++
		}
	}
	return n
}

// Once returns faults that happen to the first call of that host and name only.
func Once(host netip.Addr, name string, fault Fault) func(Call) Fault {
	happened := false
	return func(call Call) Fault {
		if happened || call.Host != host || call.Name != name {
			return None
		}
		happened = true
		return fault
	}
}

// ExpectBare fails the test unless all hosts are as they were before anything was done.
func (w *World) ExpectBare(t *testing.T) {
	t.Helper()
	for i, host := range w.Hosts() {
		if got := host.State(); !slices.Equal(got, w.bare[i]) {
			t.Errorf("%s is not bare: %q", host.Name(), slices.DeleteFunc(got, func(line string) bool { return slices.Contains(w.bare[i], line) }))
		}
	}
}

// ExpectCluster fails the test unless all hosts are nodes, every lock is released, and no token is left to join with.
func (w *World) ExpectCluster(t *testing.T) {
	t.Helper()
	for _, host := range w.Hosts() {
		if !host.Joined() {
			t.Errorf("%s is not a node", host.Name())
		}
		if slices.Contains(host.State(), "lock") {
			t.Errorf("the lock of %s is not released", host.Name())
		}
	}
	if got := w.ReadyNodes(); len(got) != len(w.Hosts()) {
		t.Errorf("ready nodes: %q", got)
	}
	if tokens := w.Tokens(); len(tokens) > 0 {
		t.Errorf("hosts can still join with %q", tokens)
	}
}

// Addr parses an address.
func Addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// IsInterrupted returns whether an error is of a lost connection or of a failed script, which the tests cause.
func IsInterrupted(err error) bool {
	var failed *remote.CommandError
	return errors.Is(err, remote.ErrConnectionLost) || errors.As(err, &failed)
}

// EachFault calls do for every change of a run, with every way in which it may fail. A script that fails leaves a host as a
// connection does that is lost before it, so only kubeadm, whose failures are explained, fails in that way as well.
func EachFault(t *testing.T, changes []Call, do func(t *testing.T, host netip.Addr, name string, fault Fault)) {
	t.Helper()
	if len(changes) == 0 {
		t.Fatal("nothing was changed")
	}
	seen := map[string]bool{}
	for _, call := range changes {
		if seen[call.String()] {
			continue
		}
		seen[call.String()] = true
		faults := map[Fault]string{Before: "before", After: "after"}
		if strings.HasPrefix(call.Name, "kubeadm") {
			faults[Exits] = "fails"
		}
		for fault, when := range faults {
			t.Run(fmt.Sprintf("%s %s", call, when), func(t *testing.T) {
				t.Parallel()
				do(t, call.Host, call.Name, fault)
			})
		}
	}
}
