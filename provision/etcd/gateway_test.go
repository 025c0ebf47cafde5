package etcd_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/dualstrap/dualstrap/internal/certtest"
	"github.com/dualstrap/dualstrap/provision/etcd"
)

// gateway is a JSON gateway whose answers a test sets.
type gateway struct {
	mu sync.Mutex // guards what follows
	// members is the answer about members.
	members string
	// removals holds the errors of attempts to remove a member, oldest first; when it is empty, removing succeeds.
	removals []string
	// removed holds the IDs of members that were removed, and calls the paths that were called.
	removed, calls []string
	// redirects, if it is not empty, is where every call is sent on to.
	redirects string
}

// ServeHTTP implements http.Handler.
func (g *gateway) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, request.URL.Path)
	switch {
	case g.redirects != "":
		http.Redirect(response, request, g.redirects, http.StatusTemporaryRedirect)
	case request.URL.Path == "/v3/cluster/member/list":
		fmt.Fprint(response, g.members)
	case request.URL.Path == "/v3/cluster/member/remove" && len(g.removals) > 0:
		http.Error(response, fmt.Sprintf(`{"message":%q}`, g.removals[0]), http.StatusServiceUnavailable)
		g.removals = g.removals[1:]
	case request.URL.Path == "/v3/cluster/member/remove":
		var input struct{ ID string }
		if err := json.NewDecoder(request.Body).Decode(&input); err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
		g.removed = append(g.removed, input.ID)
		fmt.Fprint(response, "{}")
	case request.URL.Path == "/health":
		fmt.Fprint(response, `{"health":"true"}`)
	default:
		http.NotFound(response, request)
	}
}

// threeMembers is the answer of an etcd with a member, a learner, and a member that has not started.
const threeMembers = `{"members":[
	{"ID":"1","name":"cp-1","peerURLs":["https://10.2.0.4:2380"],"clientURLs":["https://10.2.0.4:2379"]},
	{"ID":"18446744073709551615","name":"cp-2","peerURLs":["https://[fd12::2:5]:2380"],"clientURLs":["http://10.2.0.5:2379"],"isLearner":true},
	{"ID":"3","peerURLs":["https://cp-3:2380","https://10.2.0.6:2380"]}]}`

// client serves the gateway on the loopback interface, whatever address is dialed, and returns a client of it.
func (g *gateway) client(t *testing.T) *etcd.Client {
	t.Helper()
	authority := certtest.New(t)
	certificate, key := authority.Issue(t, "10.2.0.4")
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(g)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	credentials := etcd.Credentials{CA: authority.PEM(), Certificate: certificate, Key: key}
	through := netip.MustParseAddrPort("10.2.0.4:2379")
	client, err := etcd.New(through, credentials, func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		if to != through {
			return nil, fmt.Errorf("nothing is at %s", to)
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestMembers(t *testing.T) {
	t.Parallel()
	members, err := (&gateway{members: threeMembers}).client(t).Members(t.Context())
	if err != nil || len(members) != 3 {
		t.Fatalf("%v, %v", members, err)
	}
	first, learner, unstarted := members[0], members[1], members[2]
	if first.Name != "cp-1" || len(first.Clients) != 1 || first.Learner {
		t.Errorf("%+v", first)
	}
	// A client URL without TLS is left out: the control plane's credentials would go there.
	if learner.ID != "18446744073709551615" || !learner.Learner || len(learner.Clients) != 0 || learner.Addresses[0].String() != "fd12::2:5" {
		t.Errorf("%+v", learner)
	}
	if unstarted.Name != "" || len(unstarted.Addresses) != 1 {
		t.Errorf("%+v", unstarted)
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	client := (&gateway{}).client(t)
	for address, want := range map[string]bool{"10.2.0.4:2379": true, "10.2.0.5:2379": false} {
		member := etcd.Member{Clients: []netip.AddrPort{netip.MustParseAddrPort(address)}}
		if got := client.Healthy(t.Context(), member); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
	if client.Healthy(t.Context(), etcd.Member{}) {
		t.Error("a member without an address is healthy")
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	const isMember, isGone = threeMembers, `{"members":[]}`
	for name, tc := range map[string]struct {
		removals []string
		members  string
		want     string // of the error; empty if the member is removed
		attempts int
	}{
		"at once":      {nil, isMember, "", 1},
		"etcd settles": {[]string{"etcdserver: unhealthy cluster"}, isMember, "", 2},
		"no leader": {
			[]string{"etcdserver: no leader"},
			isMember,
			"cannot take cp-1 out of etcd: it says 503 Service Unavailable: etcdserver: no leader", 1,
		},
		"the response of another was lost": {[]string{"etcdserver: member not found"}, isGone, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{members: tc.members, removals: tc.removals}
			err := g.client(t).Remove(t.Context(), etcd.Member{ID: "1", Name: "cp-1"})
			if got := fmt.Sprint(err); (err == nil) != (tc.want == "") || tc.want != "" && got != tc.want {
				t.Errorf("%v", err)
			}
			attempts := 0
			for _, path := range g.calls {
				if path == "/v3/cluster/member/remove" {
					attempts++
				}
			}
			if attempts != tc.attempts {
				t.Errorf("%d attempts", attempts)
			}
		})
	}
}

func TestRemoveIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := &gateway{members: threeMembers, removals: []string{"etcdserver: unhealthy cluster", "etcdserver: unhealthy cluster"}}
	client := g.client(t)
	cancel()
	if err := client.Remove(ctx, etcd.Member{ID: "1"}); err == nil || len(g.removed) > 0 {
		t.Errorf("%v, removed %v", err, g.removed)
	}
}

// TestHostileGateway tries answers of a member that would send the control plane's credentials elsewhere, or fill memory.
func TestHostileGateway(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		gateway *gateway
		want    string
	}{
		"a redirect":    {&gateway{redirects: "https://10.9.9.9:2379/"}, "307 Temporary Redirect"},
		"not JSON":      {&gateway{members: "<html>"}, "invalid character"},
		"nothing":       {&gateway{}, "unexpected end of JSON input"},
		"another shape": {&gateway{members: `{"members":{}}`}, "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := tc.gateway
			_, err := g.client(t).Members(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v", err)
			}
			if len(g.calls) != 1 {
				t.Errorf("calls: %v", g.calls)
			}
		})
	}
}
