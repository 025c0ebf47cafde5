package provision_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/provision/clustertest"
)

// world is the hosts of an example in memory, and the manifests.
type world struct {
	*clustertest.Cluster

	loaded provision.Loaded
	// bare is the state of the hosts before anything was done, in their order.
	bare [][]string
}

// controlPlaneOnly names the example ha.yaml without its workers: three control plane nodes and two load balancer nodes.
const controlPlaneOnly = "ha.yaml without workers"

// loadExample loads an example, or controlPlaneOnly.
func loadExample(t *testing.T, example string) provision.Loaded {
	t.Helper()
	if example != controlPlaneOnly {
		return loadFile(t, "../examples/"+example)
	}
	data, err := os.ReadFile("../examples/ha.yaml")
	if err != nil {
		t.Fatal(err)
	}
	documents := slices.DeleteFunc(strings.Split(string(data), "\n---\n"), func(document string) bool {
		return strings.Contains(document, "kind: NodePool\n")
	})
	return provision.Load([]api.Source{{Name: "ha.yaml", Data: []byte(strings.Join(documents, "\n---\n"))}})
}

// newWorld returns the bare hosts of an example.
func newWorld(t *testing.T, example string) *world {
	t.Helper()
	loaded := loadExample(t, example)
	if loaded.Problems.HasErrors() {
		t.Fatal(loaded.Problems)
	}
	w := &world{Cluster: clustertest.New(t, loaded.Config), loaded: loaded}
	for _, host := range w.Hosts() {
		w.bare = append(w.bare, host.State())
	}
	return w
}

// newCluster returns the hosts of an example after a create, with no calls recorded.
func newCluster(t *testing.T, example string) *world {
	t.Helper()
	w := newWorld(t, example)
	if _, err := w.create(t); err != nil {
		t.Fatalf("create: %v", err)
	}
	w.Forget()
	return w
}

// session returns a session for the hosts.
func (w *world) session(t *testing.T) *provision.Session {
	t.Helper()
	session, err := provision.OpenSession(w.loaded, provision.SessionOptions{
		Version: "v1.0.0", Connect: w.Connect, API: w.API,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return session
}

// create runs create in a new session.
func (w *world) create(t *testing.T) (provision.Outcome, error) {
	t.Helper()
	return w.session(t).Create(t.Context())
}

// reset runs reset in a new session.
func (w *world) reset(t *testing.T, options provision.ResetOptions) (provision.ResetOutcome, error) {
	t.Helper()
	return w.session(t).Reset(t.Context(), options)
}

// index returns the position of the first call of that name on a host, or -1.
func index(calls []clustertest.Call, host, name string) int {
	return slices.IndexFunc(calls, func(call clustertest.Call) bool { return call.String() == host+" "+name })
}

// count returns how many calls have the name.
func count(calls []clustertest.Call, name string) int {
	n := 0
	for _, call := range calls {
		if call.Name == name {
			n++
		}
	}
	return n
}

// once returns faults that happen to the first call of that host and name only.
func once(host netip.Addr, name string, fault clustertest.Fault) func(clustertest.Call) clustertest.Fault {
	happened := false
	return func(call clustertest.Call) clustertest.Fault {
		if happened || call.Host != host || call.Name != name {
			return clustertest.None
		}
		happened = true
		return fault
	}
}

// expectBare fails the test unless all hosts are as they were before anything was done.
func (w *world) expectBare(t *testing.T) {
	t.Helper()
	for i, host := range w.Hosts() {
		if got := host.State(); !slices.Equal(got, w.bare[i]) {
			t.Errorf("%s is not bare: %q", host.Name(), slices.DeleteFunc(got, func(line string) bool { return slices.Contains(w.bare[i], line) }))
		}
	}
}

// expectCluster fails the test unless all hosts are nodes, every lock is released, and no token is left to join with.
func (w *world) expectCluster(t *testing.T) {
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

// addr parses an address.
func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// interrupted returns whether an error is of a lost connection or of a failed script, which the tests cause.
func interrupted(err error) bool {
	var failed *remote.CommandError
	return errors.Is(err, remote.ErrConnectionLost) || errors.As(err, &failed)
}

// eachFault calls do for every change of a run, with every way in which it may fail. A script that fails leaves a host as a
// connection does that is lost before it, so only kubeadm, whose failures are explained, fails in that way as well.
func eachFault(t *testing.T, changes []clustertest.Call, do func(t *testing.T, host netip.Addr, name string, fault clustertest.Fault)) {
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
		faults := map[clustertest.Fault]string{clustertest.Before: "before", clustertest.After: "after"}
		if strings.HasPrefix(call.Name, "kubeadm") {
			faults[clustertest.Exits] = "fails"
		}
		for fault, when := range faults {
			t.Run(fmt.Sprintf("%s %s", call, when), func(t *testing.T) {
				t.Parallel()
				do(t, call.Host, call.Name, fault)
			})
		}
	}
}
