package session_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/provision/clustertest"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/session"
)

// probed returns a session that knows the facts of all hosts that answer.
func probed(t *testing.T, w *clustertest.World) *session.Session {
	t.Helper()
	s := w.Session(t)
	if err := s.Probe(t.Context(), s.Addresses()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLock(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "ha.yaml")
	held := func() []string {
		var names []string
		for _, host := range w.Hosts() {
			if slices.Contains(host.State(), "lock") {
				names = append(names, host.Name())
			}
		}
		return names
	}
	release, err := w.Session(t).Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := held(); !slices.Equal(got, []string{"host-1", "host-2", "host-3"}) {
		t.Errorf("locked: %q, want all control plane hosts", got)
	}
	release()
	release() // a second call does nothing
	if got := held(); len(got) > 0 {
		t.Errorf("not released: %q", got)
	}
	const other = "ops@laptop, process 7, since 2026-01-02 03:04:05 UTC"
	w.Hosts()[1].Lock(other)
	_, err = w.Session(t).Lock(t.Context())
	var locked *session.LockedError
	if !errors.As(err, &locked) || locked.Holder != other || locked.Host != clustertest.Addr("10.2.0.5") {
		t.Errorf("held by another run: %v", err)
	}
	if got := held(); !slices.Equal(got, []string{"host-2"}) {
		t.Errorf("after a failure, %q are locked; the other run holds the second", got)
	}
}

// TestLockLeavesOutUnreachableHosts checks that a run can lock a cluster of which a control plane node is gone.
func TestLockLeavesOutUnreachableHosts(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "ha.yaml")
	w.Hosts()[1].SetDown(true)
	release, err := w.Session(t).Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(w.Hosts()[2].State(), "lock") {
		t.Error("the third host is not locked")
	}
	release()
}

func TestCheckHosts(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "ha.yaml")
	w.Hosts()[4].SetDown(true)
	s := w.Session(t)
	report, err := s.CheckHosts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Hosts) != len(w.Hosts()) {
		t.Errorf("%d of %d hosts are in the report", len(report.Hosts), len(w.Hosts()))
	}
	gone := s.Hosts[4].Address
	if reached := s.Reached(); slices.Contains(reached, gone) || len(reached) != len(w.Hosts())-1 {
		t.Errorf("reached: %v", reached)
	}
	for _, call := range w.Calls() {
		if call.Changes || call.Host == gone {
			t.Errorf("a check does this: %s", call)
		}
	}
	if s.Host(gone).Err == nil || s.Host(gone).Facts.Hostname != "" {
		t.Errorf("the host that is gone: %v, %+v", s.Host(gone).Err, s.Host(gone).Facts)
	}
}

// TestClientTakesAnyAPIServer checks that a run uses the API servers that answer, of nodes that stay.
func TestClientTakesAnyAPIServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		down, leaving []int // positions of hosts
		fails         bool
	}{
		"all are up":              {},
		"the first is down":       {down: []int{0}},
		"two are down":            {down: []int{0, 1}},
		"all are down":            {down: []int{0, 1, 2}, fails: true},
		"the first leaves":        {leaving: []int{0}},
		"one is left, it is down": {leaving: []int{0, 1}, down: []int{2}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := clustertest.NewCluster(t, clustertest.ControlPlaneOnly)
			for _, i := range test.down {
				w.Hosts()[i].SetDown(true)
			}
			s := probed(t, w)
			var leaving []netip.Addr
			for _, i := range test.leaving {
				leaving = append(leaving, s.Hosts[i].Address)
			}
			s.API.Leave(leaving)
			client, err := s.API.Client(t.Context())
			if test.fails {
				if err == nil || errors.Is(err, session.ErrNoCluster) { // it exists, and does not answer
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			nodes, err := client.Nodes(t.Context())
			if err != nil || len(nodes) != len(w.Hosts()) {
				t.Errorf("%v, %d nodes", err, len(nodes))
			}
			// Of those that can be used, the first one ends in the middle of the run.
			used := s.API.JoinedControlPlanes()
			w.Host(used[0]).SetDown(true)
			_, err = client.Nodes(t.Context())
			if len(used) > 1 && err != nil || len(used) == 1 && !errors.Is(err, kube.ErrNoAPIServer) {
				t.Errorf("of %v the first ended: %v", used, err)
			}
		})
	}
}

func TestClientOfOneNode(t *testing.T) {
	t.Parallel()
	w := clustertest.NewCluster(t, clustertest.ControlPlaneOnly)
	s := probed(t, w)
	if _, err := s.API.Client(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := s.API.ClientOf(s.Hosts[1].Address)
	if _, err := second.Version(t.Context()); err != nil {
		t.Error(err)
	}
	w.Hosts()[1].SetDown(true)
	if _, err := second.Version(t.Context()); !errors.Is(err, kube.ErrNoAPIServer) {
		t.Errorf("it is down, and another one answers: %v", err)
	}
}

func TestNoCluster(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "ha.yaml")
	s := probed(t, w)
	if s.IsInitialized() {
		t.Error("bare hosts are a cluster")
	}
	if _, err := s.API.Client(t.Context()); !errors.Is(err, session.ErrNoCluster) {
		t.Errorf("the client: %v", err)
	}
	if _, err := s.API.Kubeconfig(); !errors.Is(err, session.ErrNoCluster) {
		t.Errorf("the kubeconfig: %v", err)
	}
	w.Hosts()[1].SetDown(true) // it might be a node
	if _, err := probed(t, w).API.Client(t.Context()); err == nil || errors.Is(err, session.ErrNoCluster) {
		t.Errorf("a host that cannot be reached is taken for a bare one: %v", err)
	}
}

func TestKubeconfig(t *testing.T) {
	t.Parallel()
	w := clustertest.NewCluster(t, "ha.yaml")
	s := probed(t, w)
	if _, err := s.API.Client(t.Context()); err != nil {
		t.Fatal(err)
	}
	content, err := s.API.Kubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	balancer := w.Loaded.Config.LoadBalancer
	for _, want := range []string{
		"server: https://" + netip.AddrPortFrom(balancer.ControlPlaneVIP, uint16(balancer.Port)).String(),
		"name: " + w.Loaded.Config.Name + "-admin\n", "current-context: " + w.Loaded.Config.Name + "-admin@" + w.Loaded.Config.Name,
	} {
		if !strings.Contains(string(content), want) {
			t.Errorf("it lacks %q:\n%s", want, content)
		}
	}
	admin, err := kube.ParseAdmin(content)
	if _, used := s.API.Connected(); err != nil || string(admin.CA) != string(used.CA) {
		t.Errorf("%v: it has another certificate authority", err)
	}
}

// TestRefuseForeign checks that a host of another cluster is named with that, and that other hosts are not.
func TestRefuseForeign(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "dual-stack.yaml")
	if err := probed(t, w).RefuseForeign(); err != nil {
		t.Errorf("bare hosts: %v", err)
	}
	w.Hosts()[1].Write("/etc/dualstrap/cluster.yaml", "controlPlaneEndpoint: 10.9.9.9:443\n")
	w.Hosts()[1].Write("/etc/kubernetes/kubelet.conf", "    server: https://10.9.9.9:443\n")
	const want = "refused, nothing was changed: 10.2.0.5 belongs to the cluster at "
	if err := probed(t, w).RefuseForeign(); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), ";") {
		t.Errorf("%v, want %s", err, want)
	}
	w.Hosts()[1].SetDown(true)
	if err := probed(t, w).RefuseForeign(); err != nil {
		t.Errorf("what is not known is refused: %v", err)
	}
}
