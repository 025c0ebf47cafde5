//go:build integration

package cmd_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/internal/localfile"
)

// neighbour makes the client's kernel look up an address on the L2, and returns the MAC that answers, or "". ndisc6 cannot be
// used: it ignores answers that come from another address than the one it asks for, as those of proxies do.
func (c *testCluster) neighbour(t *testing.T, address string) string {
	t.Helper()
	return c.on(t, "client", "ip -6 neighbour flush to "+address+" dev eth0; ping -q -c 1 -w 4 "+address+" >/dev/null || true; "+
		"ip -6 neighbour show "+address+" dev eth0 | sed -n 's/.*lladdr \\([0-9a-f:]*\\).*/\\1/p'")
}

func clusterNeighbours(t *testing.T, c *testCluster) {
	t.Helper()
	pod := c.fields(t, `{.status.podIPs[1].ip}`, "get", "pod", "caller")[0]
	mac := c.on(t, hostName("worker-1"), "cat /sys/class/net/eth0/address")
	if got := c.neighbour(t, pod); !strings.EqualFold(got, mac) {
		t.Errorf("%s is answered for by %q, want the node's %s", pod, got, mac)
	}
	service := c.fields(t, `{.spec.clusterIP}`, "get", "service", "my-service")[0]
	for _, unused := range []string{"fd12::1:1fe", "fd12::1:3001", service, "fd12::6:1"} {
		if got := c.neighbour(t, unused); got != "" {
			t.Errorf("%s is answered for by %s", unused, got)
		}
	}
	// A host that configures a pod's address has to detect the duplicate.
	c.on(t, "client", "ip -6 address add "+pod+"/128 dev eth0")
	eventually(t, "the duplicate is found", func() string {
		if c.on(t, "client", "ip -6 address show dev eth0 dadfailed | grep -c "+pod+" || true") == "1" {
			return ""
		}
		return "it is not marked dadfailed"
	})
	c.on(t, "client", "ip -6 address del "+pod+"/128 dev eth0")

	c.apply(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: many\nspec:\n  replicas: 50\n"+
		"  selector:\n    matchLabels: {app: many}\n  template:\n    metadata:\n      labels: {app: many}\n"+
		"    spec:\n      terminationGracePeriodSeconds: 0\n      containers:\n"+
		"      - name: hello\n        image: dualstrap.dev/hello:2.0.0\n")
	c.kube(t, "rollout", "status", "deployment/many", "--timeout=300s")
	c.proxiesFollow(t)
	c.on(t, hostName("worker-1"), "pkill -KILL -f '^/usr/local/bin/dualstrap agent'")
	c.mustRun(t, "disconnect", hostName("worker-2"))
	c.kube(t, "delete", "deployment", "many")
	c.mustRun(t, "connect", hostName("worker-2"))
	eventually(t, "all pods are gone", func() string { return c.kube(t, "get", "pods", "-l", "app=many", "-o", "name") })
	c.proxiesFollow(t)
}

// proxiesFollow waits until each worker answers for its own pods, and for no other address.
func (c *testCluster) proxiesFollow(t *testing.T) {
	t.Helper()
	for _, node := range []string{hostName("worker-1"), hostName("worker-2")} {
		eventually(t, node+" answers for its pods", func() string {
			var pods []string
			for _, pod := range c.podsOn(t, node) {
				pods = append(pods, pod[2])
			}
			// The neighbour proxy that was there before the cluster is not dualstrap's, so only pods' ranges are compared.
			proxies := strings.Fields(c.on(t, node, "ip -6 neighbour show proxy | grep -o '^fd12::1:[0-9a-f]*' || true"))
			return cmp.Diff(sorted(pods), sorted(proxies))
		})
	}
}

// clusterTakesHandJoined lets a host that is missing from the manifests join with kubeadm alone.
func clusterTakesHandJoined(t *testing.T, c *testCluster) {
	t.Helper()
	from, to := hostName("worker-2"), hostName("worker-3")
	c.on(t, from, "ctr -n k8s.io images export /root/images.tar $(ctr -n k8s.io images ls -q | grep dualstrap.dev/)")
	archive := filepath.Join(t.TempDir(), "host.tar")
	c.copyOut(t, archive, from, "/usr/local/bin", "/opt/cni/bin", "/etc/containerd", "/etc/systemd/system/containerd.service",
		"/etc/systemd/system/kubelet.service", "/etc/systemd/system/kubelet.service.d", "/etc/sysctl.d/90-dualstrap.conf",
		"/etc/dualstrap/kubeadm/patches", "/root/images.tar")
	c.copyIn(t, archive, to)
	// A busy machine may need more than one attempt: the services have just started.
	c.on(t, to, `retry() { for i in 1 2 3 4 5; do "$@" && return; sleep 2; done; return 1; }
		systemctl daemon-reload; sysctl -q --system || true; systemctl enable --now containerd kubelet
		retry firewall-cmd --set-default-zone=trusted; retry ctr -n k8s.io images import /root/images.tar`)
	join := c.on(t, hostName("cp-1"), "kubeadm token create --ttl 10m --print-join-command 2>/dev/null")
	c.on(t, to, "kubeadm join --config=/dev/stdin <<'END'\n"+joinConfiguration(t, join)+"END")
	var ranges []string
	took := eventually(t, "the node has pod ranges", func() string {
		// kubeadm may finish before the kubelet has registered its Node.
		ranges = c.fields(t, `{.spec.podCIDRs[*]}`, "get", "node", to, "--ignore-not-found")
		if len(ranges) == 2 {
			return ""
		}
		return fmt.Sprintf("it has %v", ranges)
	})
	t.Logf("the node that joined by hand has %v, %s after kubeadm", ranges, took.Round(time.Millisecond))
	if want := []string{"192.168.3.0/24", "fd12::1:300/120"}; !slices.Equal(ranges, want) {
		t.Errorf("it has %v, want the next free blocks %v", ranges, want)
	}
	c.kube(t, "wait", "--for=condition=Ready", "node/"+to, "--timeout=180s")
	c.signsHandJoined(t, to, "10.2.0.7", "fd12::2:7")
	c.kube(t, "delete", "node", to)
	c.on(t, to, "systemctl disable --now kubelet; kubeadm reset --force; rm -rf /etc/dualstrap")
}

// joinConfiguration returns a configuration for joining like the given kubeadm command, but with a dual-stack node-ip: on its
// own, the kubelet would use the IPv4 address alone.
func joinConfiguration(t *testing.T, command string) string {
	t.Helper()
	words := strings.Fields(command) // kubeadm join ENDPOINT --token TOKEN --discovery-token-ca-cert-hash HASH
	if len(words) != 7 {
		t.Fatalf("kubeadm says %q", command)
	}
	return fmt.Sprintf(`apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken: {apiServerEndpoint: %q, token: %q, caCertHashes: [%q]}
nodeRegistration:
  ignorePreflightErrors: [SystemVerification]
  kubeletExtraArgs: [{name: node-ip, value: "10.2.0.7,fd12::2:7"}]
patches: {directory: /etc/dualstrap/kubeadm/patches}
`, words[2], words[4], words[6])
}

func (c *testCluster) copyOut(t *testing.T, archive, host string, paths ...string) {
	t.Helper()
	file, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	tar := exec.CommandContext(t.Context(), c.program, c.args("exec", append([]string{host, "--", "tar", "--create"}, paths...)...)...)
	tar.Stdout = file
	if err := errors.Join(tar.Run(), file.Close()); err != nil {
		t.Fatal(err)
	}
}

func (c *testCluster) copyIn(t *testing.T, archive, host string) {
	t.Helper()
	file, err := localfile.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tar := exec.CommandContext(t.Context(), c.program, c.args("exec", host, "--", "tar", "--extract", "--directory", "/")...)
	tar.Stdin = file
	if out, err := tar.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
