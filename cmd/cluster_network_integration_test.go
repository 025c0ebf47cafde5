//go:build integration

package cmd_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// mirror is a server for the client host, in Python. It responds with the source address of the request, in both families.
const mirror = `import http.server, socket
class Mirror(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(self.client_address[0].replace("::ffff:", "").encode())
class Both(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
Both(("::", 9000), Mirror).serve_forever()`

// clusterPodsAreFlat lets a pod and the client host, which is not a node, call each other.
func clusterPodsAreFlat(t *testing.T, c *testCluster) {
	t.Helper()
	pod, node := c.caller(t, hostName("worker-1"))
	if got, err := c.get(t, "client", at(pod[1], 8080, "/client")); err != nil || got != "fd12::3:1" {
		t.Errorf("the pod sees the client as %q, %v; want its own address", got, err)
	}
	c.startMirror(t)
	for _, call := range []struct{ to, want string }{{"fd12::3:1", pod[1]}, {"10.2.0.100", node}} {
		c.answers(t, "client", at(pod[1], 8080, "/fetch?url="+at(call.to, 9000, "/")), call.want)
	}
}

// caller creates a pod on a node that sends requests on demand. It returns its addresses, and the node's IPv4 address.
func (c *testCluster) caller(t *testing.T, node string) (pod [2]string, address string) {
	t.Helper()
	c.apply(t, fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata:\n  name: caller\nspec:\n  nodeName: %s\n  containers:\n  - name: hello\n"+
		"    image: dualstrap.dev/hello:2.0.0\n    args: [-fetch]\n", node))
	c.kube(t, "wait", "--for=condition=Ready", "pod/caller", "--timeout=180s")
	ips := c.fields(t, `{.status.podIPs[*].ip} {.status.hostIP}`, "get", "pod", "caller")
	if len(ips) != 3 || !strings.Contains(ips[1], ":") {
		t.Fatalf("the pod's addresses are %v", ips)
	}
	return [2]string{ips[0], ips[1]}, ips[2]
}

func (c *testCluster) startMirror(t *testing.T) {
	t.Helper()
	c.on(t, "client", "firewall-cmd -q --add-port=9000/tcp")
	server := exec.CommandContext(t.Context(), c.program, c.args("exec", "client", "--", "timeout", "600", "python3", "-c", mirror)...)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Wait() }) // the end of the test's context kills it
	c.answers(t, "client", at("10.2.0.100", 9000, "/"), "10.2.0.100")
}
