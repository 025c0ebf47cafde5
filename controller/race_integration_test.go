//go:build trial

package controller_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// testKilled kills the leader while it serves five hundred nodes.
func (c *cluster) testKilled(t *testing.T) {
	t.Helper()
	const count = 500
	c.createConfig(t, "all", "10.0.0.0/14>24 fd00::/110>120")
	first := c.start(t)
	c.eventually(t, "the first leads", func() string {
		if !first.leads() {
			return "it does not"
		}
		return ""
	})
	c.start(t)
	var group errgroup.Group
	group.SetLimit(8)
	for _, name := range names("n", count) {
		group.Go(func() error {
			node := &corev1.Node{}
			node.Name = name
			return c.client.Create(t.Context(), node)
		})
	}
	c.eventually(t, "some are served", func() string {
		if served := c.checkUnique(t); served < count/10 {
			return fmt.Sprint(served)
		}
		return ""
	})
	first.end(t, syscall.SIGKILL)
	if served := c.checkUnique(t); served == count {
		t.Error("all were served before the leader was killed")
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	c.eventually(t, "all are served", func() string {
		if served := c.checkUnique(t); served < count {
			return fmt.Sprint(served)
		}
		return ""
	})
}

// gate is a proxy in front of the API server through which a controller's writes of Nodes pass, or do
// not.
type gate struct {
	*httptest.Server
	mu sync.Mutex
	// pass is asked about every PATCH of a Node: it may wait, and tells what happens to it.
	pass func(node string) verdict
}

type verdict int

const (
	through     verdict = iota
	loseAnswer          // the API server does it, and the controller is not told
	loseRequest         // the API server never hears of it
)

func (c *cluster) newGate(t *testing.T) *gate {
	t.Helper()
	target, err := url.Parse(c.config.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(&rest.Config{TLSClientConfig: c.config.TLSClientConfig})
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{pass: func(string) verdict { return through }}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,
	}
	g.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		node, isNode := strings.CutPrefix(r.URL.Path, "/api/v1/nodes/")
		if r.Method != http.MethodPatch || !isNode {
			proxy.ServeHTTP(w, r)
			return
		}
		g.mu.Lock()
		pass := g.pass
		g.mu.Unlock()
		switch pass(node) {
		case through:
			proxy.ServeHTTP(w, r)
		case loseAnswer:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) //nolint:forbidigo // the one way to close the connection
		case loseRequest:
			panic(http.ErrAbortHandler) //nolint:forbidigo // as above
		}
	}))
	t.Cleanup(func() {
		g.CloseClientConnections()
		g.Close()
	})
	return g
}

// cluster is how a controller reaches the API server through the gate. Without TLS it would not send its
// token.
func (g *gate) cluster() *clientcmdapi.Cluster {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.Certificate().Raw})
	return &clientcmdapi.Cluster{Server: g.URL, CertificateAuthorityData: ca}
}

func (g *gate) set(pass func(node string) verdict) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass = pass
}

// testRace has somebody else write podCIDRs after the controller has decided and before its write
// arrives.
func (c *cluster) testRace(t *testing.T) {
	t.Helper()
	c.createConfig(t, "all", "10.0.0.0/20>24 fd00::/116>120")
	g := c.newGate(t)
	arrived, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	g.set(func(string) verdict {
		once.Do(func() {
			close(arrived)
			<-proceed
		})
		return through
	})
	c.startAt(t, g.cluster())
	c.createNode(t, "n1")
	<-arrived
	node := c.node(t, "n1")
	before := node.DeepCopy()
	node.Spec.PodCIDR, node.Spec.PodCIDRs = "10.0.7.0/24", []string{"10.0.7.0/24", "fd00::700/120"}
	if err := c.client.Patch(t.Context(), node, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	close(proceed)
	c.createNode(t, "n2")
	c.waitHolds(t, "n2", "10.0.0.0/24 fd00::/120") // what was meant for n1 may be free again, or not yet
	c.waitHolds(t, "n1", "10.0.7.0/24 fd00::700/120")
	c.createNode(t, "n3")
	c.waitHolds(t, "n3", "10.0.1.0/24 fd00::100/120")
}

// testLostAnswer has writes arrive of which the controller is not told, and others not arrive.
func (c *cluster) testLostAnswer(t *testing.T) {
	t.Helper()
	c.createConfig(t, "all", "10.0.0.0/20>24 fd00::/116>120")
	g := c.newGate(t)
	tries := map[string]int{}
	var mu sync.Mutex
	g.set(func(node string) verdict {
		mu.Lock()
		defer mu.Unlock()
		tries[node]++
		switch {
		case node == "n1" && tries[node] == 1:
			return loseAnswer
		case node == "n2" && tries[node] <= 2:
			return loseRequest
		}
		return through
	})
	c.startAt(t, g.cluster())
	c.createNode(t, "n1")
	c.waitHolds(t, "n1", "10.0.0.0/24 fd00::/120")
	c.createNode(t, "n2")
	c.waitHolds(t, "n2", "10.0.1.0/24 fd00::100/120")
	c.createNode(t, "n3")
	c.waitHolds(t, "n3", "10.0.2.0/24 fd00::200/120")
	mu.Lock()
	defer mu.Unlock()
	if tries["n2"] != 3 {
		t.Errorf("n2 was written %d times, want 3", tries["n2"])
	}
	for _, name := range []string{"n1", "n2", "n3"} {
		if all := c.events(t, name); len(all) > 0 {
			t.Errorf("a hiccup is reported: %v", all)
		}
	}
}
