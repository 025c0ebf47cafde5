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

// gate is a proxy between a controller and the API server that can delay or drop the controller's writes of Nodes. A
// write that has arrived at the gate continues after its sender is gone.
type gate struct {
	*httptest.Server
	mu sync.Mutex
	// pass is called for every PATCH of a Node. It may block, and returns what to do with the request.
	pass func(node string) verdict
}

type verdict int

const (
	through     verdict = iota
	loseAnswer          // the API server carries it out, but the response is dropped
	loseRequest         // the request does not reach the API server
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
			fallthrough
		case loseRequest:
			panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to close the connection without an answer
		}
	}))
	t.Cleanup(func() {
		g.CloseClientConnections()
		g.Close()
	})
	return g
}

// cluster returns the kubeconfig entry for an API server behind the gate. Without TLS, client-go would not send the
// controller's token.
func (g *gate) cluster() *clientcmdapi.Cluster {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.Certificate().Raw})
	return &clientcmdapi.Cluster{Server: g.URL, CertificateAuthorityData: ca}
}

func (g *gate) set(pass func(node string) verdict) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass = pass
}
