//go:build integration

package controller_test

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// gate is a proxy in front of the API server through which a controller's writes of Nodes pass, or do
// not. What has arrived there goes on when its sender is gone.
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
		r = r.WithContext(context.WithoutCancel(r.Context()))
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
