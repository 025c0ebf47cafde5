package proof

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// loopback connects from this machine, whichever host the connection should start at.
type loopback struct{ refused error }

func (loopback) Host(context.Context, netip.Addr) (remote.Host, error) {
	return nil, errors.New("there are no hosts")
}

func (loopback) Close() {}

func (l loopback) Dial(ctx context.Context, _ netip.Addr, to netip.AddrPort) (net.Conn, error) {
	if l.refused != nil {
		return nil, l.refused
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
}

// emptyTestbed returns a cluster of healthy nodes, without pods and Services.
func emptyTestbed(count int) *testbed {
	cfg := &api.Config{Network: api.Network{Builtin: true}, LoadBalancer: api.LoadBalancer{Services: api.ServicesLayer2}}
	cfg.Pools = []api.Pool{{Name: "all"}}
	cluster := Cluster{Config: cfg, Plan: &api.Plan{}, Connections: loopback{}}
	for i := range count {
		address := netip.AddrFrom4([4]byte{10, 2, 0, byte(4 + i)})
		cfg.Pools[0].Nodes = append(cfg.Pools[0].Nodes, api.Node{Address: address, K8sIP: address})
		cluster.Plan.Nodes = append(cluster.Plan.Nodes, api.PlanNode{Address: address})
		cluster.Hosts = append(cluster.Hosts, check.Host{Node: check.Node{Address: address, K8sIP: address}})
		cluster.Present = append(cluster.Present, kube.Node{Name: fmt.Sprint("node-", i), K8sIP: address, Ready: true})
	}
	return newTestbed(cluster)
}

// unmet returns the statuses of the preconditions that are not met, by check and target. It makes no calls.
func unmet(s *testbed) map[string]Status {
	found := map[string]Status{}
	for _, check := range Checks() {
		for _, on := range check.subjects(s) {
			for _, need := range check.needs {
				if v := need(s, &on); v.status != "" {
					found[check.Name+" "+on.target] = v.status
					break
				}
			}
		}
	}
	return found
}

func TestRequirements(t *testing.T) {
	t.Parallel()
	s := emptyTestbed(2)
	s.startClient(t.Context())
	s.nodes[0].pod.Ready = true
	s.Config.LoadBalancer.Services = api.ServicesExternal
	want := map[string]Status{
		"pod-to-pod 10.2.0.4 -> 10.2.0.5":               Skipped,
		"pod-to-pod 10.2.0.5 -> 10.2.0.4":               Skipped,
		"pod-source-address 10.2.0.4 -> 10.2.0.5":       Skipped,
		"pod-source-address 10.2.0.5 -> 10.2.0.4":       Skipped,
		"service-dns 10.2.0.5":                          Skipped,
		"service-load-balancer client -> load-balancer": Skipped,
		"flat-ipv6 client -> 10.2.0.4":                  Skipped,
		"flat-ipv6 client -> 10.2.0.5":                  Skipped,
		"flat-ipv6 10.2.0.4 -> client":                  Skipped,
		"flat-ipv6 10.2.0.5 -> client":                  Skipped,
		"island-ipv4 10.2.0.4 -> client":                Skipped,
		"island-ipv4 10.2.0.5 -> client":                Skipped,
	}
	if diff := cmp.Diff(want, unmet(s)); diff != "" {
		t.Errorf("without client, balancers and a pod (-want +got):\n%s", diff)
	}

	s = emptyTestbed(1)
	s.nodes[0].pod.Ready = true
	s.nodes[0].host.Err = errors.New("gone")
	s.nodes[0].live = nil
	got := unmet(s)
	for name, status := range map[string]Status{
		"node-ready 10.2.0.4": Failed, "pod-ips 10.2.0.4": Failed, "service-cluster-ip 10.2.0.4": Failed, "firewalld-rpfilter 10.2.0.4": Failed,
		"pod-to-pod 10.2.0.4": Skipped, // there is one node only
	} {
		if got[name] != status {
			t.Errorf("%s is %q, want %q", name, got[name], status)
		}
	}
}

func TestClientWithoutServer(t *testing.T) {
	t.Parallel()
	s := emptyTestbed(1)
	s.nodes[0].pod.Ready = true
	s.client = client{address: netip.MustParseAddr("10.2.0.100"), v4: netip.MustParseAddr("10.2.0.100"), unserved: "no bundle"}
	got := unmet(s)
	for name, status := range map[string]Status{
		"flat-ipv6 10.2.0.100 -> 10.2.0.4":   Skipped, // it has no IPv6 address
		"island-ipv4 10.2.0.4 -> 10.2.0.100": Skipped,
	} {
		if got[name] != status {
			t.Errorf("%s is %q, want %q", name, got[name], status)
		}
	}
	s.client.v6 = netip.MustParseAddr("fd12::3:1")
	if got := unmet(s)["flat-ipv6 10.2.0.100 -> 10.2.0.4"]; got != "" {
		t.Errorf("the client needs no server of its own to call a pod, and is %q", got)
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	var names []string
	for _, check := range Checks() {
		if check.Short == "" || check.Hint == "" || slices.Contains(names, check.Name) {
			t.Errorf("check %q has no short, no cure, or the name of another", check.Name)
		}
		names = append(names, check.Name)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	report := Report{Checks: []Result{{Name: "a", Status: Passed}, {Name: "b", Status: Skipped}}}
	if err := report.Err(); err != nil {
		t.Errorf("what is skipped is no failure: %v", err)
	}
	report.Checks = append(report.Checks, Result{Name: "c", Status: Failed}, Result{Name: "c", Status: Failed})
	const want = "the cluster is not proven: 2 of 4 checks failed: c"
	if err := report.Err(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// serve runs an HTTP server on the loopback.
func serve(t *testing.T, handler http.HandlerFunc) netip.AddrPort {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))
}

func TestCalls(t *testing.T) {
	t.Parallel()
	s := emptyTestbed(1)
	hello := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/client":
			fmt.Fprintln(w, "::ffff:10.2.0.5")
		default:
			fmt.Fprintln(w, "Hello, world!\nVersion: 2\nHostname: hello-1")
		}
	})
	if name, err := s.greets(t.Context(), netip.Addr{}, hello); err != nil || name != "hello-1" {
		t.Errorf("%q, %v", name, err)
	}
	if seen, err := s.seenBy(t.Context(), netip.Addr{}, hello); err != nil || seen.String() != "10.2.0.5" {
		t.Errorf("%s, %v", seen, err)
	}
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "It works!") })
	if _, err := s.greets(t.Context(), netip.Addr{}, other); err == nil || !strings.Contains(err.Error(), "something else answers") {
		t.Errorf("another server: %v", err)
	}
	if _, err := s.seenBy(t.Context(), netip.Addr{}, other); err == nil || !strings.Contains(err.Error(), "something else answers") {
		t.Errorf("another server: %v", err)
	}
}

// TestCallOften checks that a Service fails if one of its pods does not answer, although the others do.
func TestCallOften(t *testing.T) {
	t.Parallel()
	s := emptyTestbed(3)
	for i := range s.nodes {
		s.nodes[i].pod.Ready = true
	}
	var calls atomic.Int32
	pods := func(broken int32) netip.AddrPort {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) {
			n := calls.Add(1)
			if n > 10 && n%3 == broken {
				http.Error(w, "gone", http.StatusBadGateway)
				return
			}
			fmt.Fprintf(w, "Hello, world!\nHostname: hello-%d\n", n%3)
		})
	}
	expect(t, "all answer", s.callOften(t.Context(), netip.Addr{}, pods(-1)), Passed, "12 of 12 calls from 3 pods")
	calls.Store(0)
	expect(t, "one does not", s.callOften(t.Context(), netip.Addr{}, pods(1)), Failed, "and not the next: Bad Gateway: gone")
	s.Connections = loopback{refused: &remote.Error{Reason: remote.ErrProtocol}}
	expect(t, "the host does not call", s.callOften(t.Context(), netip.Addr{}, pods(-1)), Skipped, "")
}

// TestClusterIPInOneFamily checks that calls in one family do not stand for both.
func TestClusterIPInOneFamily(t *testing.T) {
	t.Parallel()
	s := emptyTestbed(1)
	for _, got := range []string{"", "172.16.0.1", "fd12::5:1"} {
		s.services[requireDualStack] = kube.Service{ClusterIPs: addresses(got)}
		on := &subject{node: &s.nodes[0], service: requireDualStack}
		expect(t, "addresses "+got, proveClusterIP(t.Context(), s, on), Failed, "should be one of each family")
	}
}

// TestHostsThatRefuseToForward checks that nothing is said about the cluster if a host's SSH server refuses to forward.
func TestHostsThatRefuseToForward(t *testing.T) {
	t.Parallel()
	s := emptyTestbed(1)
	s.Connections = loopback{refused: &remote.Error{Op: "cannot connect", Reason: remote.ErrProtocol, HintText: "allow it"}}
	n := &s.nodes[0]
	n.pod = kube.Pod{Ready: true, Addresses: addresses("192.168.0.2 fd12::1:2")}
	on := &subject{node: n, outward: true, service: requireDualStack}
	s.services[requireDualStack] = kube.Service{ClusterIPs: addresses("172.16.0.1 fd12::5:1")}
	for name, got := range map[string]verdict{
		"DNS":     s.resolve(t.Context(), on, netip.MustParseAddr("172.16.0.10")),
		"flat":    proveFlat(t.Context(), s, on),
		"island":  proveIsland(t.Context(), s, on),
		"VIP":     proveVIP(t.Context(), s, on),
		"Service": proveClusterIP(t.Context(), s, on),
	} {
		expect(t, name, got, Skipped, "cannot connect: not understood")
		if got.hint != "allow it" {
			t.Errorf("%s: hint %q", name, got.hint)
		}
	}
}

// TestEventuallyStops checks that a refusal, which does not change, is not tried again.
func TestEventuallyStops(t *testing.T) {
	t.Parallel()
	calls := 0
	_, err := eventually(t.Context(), func(context.Context) (int, error) {
		calls++
		return 0, &remote.Error{Op: "cannot connect", Reason: remote.ErrProtocol}
	})
	if !cannotForward(err) || calls != 1 {
		t.Errorf("%d calls: %v", calls, err)
	}
}

func TestReasonIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`Get "http://[fd12::1:2]:8080/client": dial tcp [fd12::1:2]:8080: connect: no route to host`://
		"dial tcp [fd12::1:2]:8080: connect: no route to host",
		`Get "http://x/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`: "no answer",
		`Get "http://x/": context deadline exceeded`:                                                  "no answer",
		"404 page not found": "404 page not found",
	} {
		if got := reasonIn(text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPlacePods(t *testing.T) {
	t.Parallel()
	s := emptyTestbed(2)
	if s.placePods([]kube.Pod{{Name: "a", Node: "node-0", Ready: true}}) {
		t.Error("it is content with one pod for two nodes")
	}
	if !strings.Contains(s.nodes[1].pod.Why, "the DaemonSet's pod is missing") {
		t.Errorf("why: %q", s.nodes[1].pod.Why)
	}
	s.nodes[1].live.Ready = false
	if !s.placePods([]kube.Pod{{Name: "a", Node: "node-0", Ready: true}}) {
		t.Error("it waits for the pod of a node that is not ready")
	}
}
