//go:build integration

package cmd_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// stopsWithoutCutting stops an API server as an upgrade does, while clients send requests through the control plane's VIP
// that take two seconds to answer. No response may be truncated, and no request may fail.
func (c *testCluster) stopsWithoutCutting(t *testing.T) {
	t.Helper()
	host, server := hostName("cp-2"), "https://10.2.0.102:6443"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var clients sync.WaitGroup
	var answers atomic.Int64
	for range 6 { // so that each server has some of them
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := c.watchBriefly(t); err != nil {
					t.Errorf("while the API server of %s ends, a client of the VIP sees: %v", host, err)
					return
				}
				answers.Add(1)
			}
		})
	}
	eventually(t, "clients are answered", func() string {
		if answers.Load() < 6 {
			return fmt.Sprintf("%d answers", answers.Load())
		}
		return ""
	})
	c.on(t, host, "mv /etc/kubernetes/manifests/kube-apiserver.yaml /root/; "+
		"timeout 120 sh -c 'while pgrep -x kube-apiserver >/dev/null; do sleep 0.1; done'")
	c.on(t, host, "mv /root/kube-apiserver.yaml /etc/kubernetes/manifests/; "+
		"timeout 180 sh -c 'until curl -ks "+server+"/readyz | grep -qx ok; do sleep 0.2; done'")
	cancel()
	clients.Wait()
	t.Logf("an API server ended and came back beside %d answers of two seconds each", answers.Load())
}

// watchBriefly watches Namespaces for two seconds over a connection of its own, and reads the whole response.
func (c *testCluster) watchBriefly(t *testing.T) error {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig())
	if err != nil {
		return err
	}
	config.NextProtos = []string{"http/1.1"} // one request per connection
	transport, err := rest.TransportFor(config)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		config.Host+"/api/v1/namespaces?watch=true&timeoutSeconds=2", http.NoBody)
	if err != nil {
		return err
	}
	request.Close = true
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", response.Status)
	}
	return nil
}
