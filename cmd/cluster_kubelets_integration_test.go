//go:build integration

package cmd_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/internal/nodeaddress"
)

// clusterKubeletsAreSigned checks the serving certificate of each kubelet: it has to be signed by the cluster's CA, for all
// addresses of the node.
func clusterKubeletsAreSigned(t *testing.T, c *testCluster) {
	t.Helper()
	c.served(t)
	for _, node := range c.fields(t, `{.items[*].metadata.name}`, "get", "nodes") {
		pod := c.fields(t, `{.items[0].metadata.name}`, "get", "pods", "-n", "dualstrap-system",
			"-l", "app.kubernetes.io/name=dualstrap-agent", "--field-selector", "spec.nodeName="+node)[0]
		if c.kube(t, "logs", "-n", "dualstrap-system", pod) == "" {
			t.Errorf("the agent on %s has no logs", node)
		}
		if said := c.kube(t, "exec", "-n", "dualstrap-system", pod, "--", "/usr/local/bin/dualstrap", "version"); said == "" {
			t.Errorf("exec on %s says nothing", node)
		}
	}
}

// served returns the serial numbers of the kubelets' serving certificates, by the names of nodes.
func (c *testCluster) served(t *testing.T) map[string]string {
	t.Helper()
	authority, err := base64.StdEncoding.DecodeString(
		c.kube(t, "config", "view", "--raw", "-o", "jsonpath={.clusters[0].cluster.certificate-authority-data}"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	serials := map[string]string{}
	for line := range strings.Lines(c.kube(t, "get", "nodes", "-o",
		`jsonpath={range .items[*]}{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}`)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Fatalf("not a node with two addresses: %q", line)
		}
		// The connection is to the address, but the certificate is verified for the name of the node.
		dialer := &net.Dialer{Timeout: 10 * time.Second}
		conn, err := tls.DialWithDialer(dialer, "tcp", net.JoinHostPort(fields[1], "10250"), &tls.Config{RootCAs: roots, ServerName: fields[0]})
		if err != nil {
			t.Errorf("the kubelet of %s: %v", fields[0], err)
			continue
		}
		certificate := conn.ConnectionState().PeerCertificates[0]
		_ = conn.Close()
		for _, name := range fields[1:] {
			if err := certificate.VerifyHostname(name); err != nil {
				t.Errorf("the kubelet of %s: %v", fields[0], err)
			}
		}
		serials[fields[0]] = certificate.SerialNumber.String()
	}
	return serials
}

// keepsServing calls do, and checks that kubelets have the same serving certificates afterwards.
func (c *testCluster) keepsServing(t *testing.T, what string, do func()) {
	t.Helper()
	before := c.served(t)
	do()
	eventually(t, "kubelets serve after "+what, func() string {
		for node := range before {
			if _, err := c.tryKube(t, "", "get", "--raw", "/api/v1/nodes/"+node+"/proxy/healthz"); err != nil {
				return err.Error()
			}
		}
		return ""
	})
	if diff := cmp.Diff(before, c.served(t)); diff != "" {
		t.Errorf("serial numbers of kubelets' certificates after %s (-before +after):\n%s", what, diff)
	}
}

// signsHandJoined checks that a node unknown to dualstrap waits for a certificate, and gets one when it has the labels.
func (c *testCluster) signsHandJoined(t *testing.T, node, v4, v6 string) {
	t.Helper()
	eventually(t, "it is said why the kubelet has no certificate", func() string {
		said := c.kube(t, "get", "events", "-n", "default", "--field-selector", "reason=NotApproved", "-o", "jsonpath={.items[*].message}")
		if strings.Contains(said, "it is not known which addresses node "+node+" has") {
			return ""
		}
		return "it says " + said
	})
	if _, err := c.tryKube(t, "", "get", "--raw", "/api/v1/nodes/"+node+"/proxy/healthz"); err == nil {
		t.Errorf("API servers take the kubelet of %s without a certificate", node)
	}
	c.kube(t, "label", "node", node, nodeaddress.LabelIPv4+"="+v4, nodeaddress.LabelIPv6+"="+nodeaddress.Value(netip.MustParseAddr(v6)))
	eventually(t, "the kubelet has its certificate", func() string {
		if _, err := c.tryKube(t, "", "get", "--raw", "/api/v1/nodes/"+node+"/proxy/healthz"); err != nil {
			return err.Error()
		}
		return ""
	})
}
