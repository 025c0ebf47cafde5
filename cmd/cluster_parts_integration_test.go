//go:build integration

package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

// handJoined returns the line in the lab's manifests for the worker that joins by hand.
func handJoined() string { return named("  - address: 10.2.0.7 # LAB-worker-3\n") }

// TestIntegrationCluster creates a cluster of one control plane node and two workers on bare hosts, uses it, and resets it.
// firewalld is active on all hosts, and one presents itself as RHEL.
func TestIntegrationCluster(t *testing.T) {
	c := newTestCluster(t, "--workers", "3")
	c.rewrite(t, handJoined(), "")
	runParts(t, c, []part[*testCluster]{
		{"hosts are bare", clusterIsBare},
		{"create", clusterIsCreated},
		{"nodes are as planned", clusterNodesAsPlanned},
		{"kubelets' certificates", clusterKubeletsAreSigned},
		{"controls of the benchmark", clusterMeetsControls},
		{"a second run changes nothing", clusterConverges},
		{"another workstation", clusterIsReachedFromElsewhere},
		{"two runs at once", clusterKeepsRunsApart},
		{"services of the documentation", clusterServes},
		{"service policies", clusterServicePolicies},
		{"pods are reached and reach out", clusterPodsAreFlat},
		{"neighbours", clusterNeighbours},
		{"a node joined by hand", clusterTakesHandJoined},
		{"what is killed comes back", clusterSurvivesKills},
		{"drift is repaired", clusterRepairsDrift},
		{"the proof fails for what is broken", proofFails},
		{"hosts of another cluster are refused", clusterIsNotTakenOver},
		{"reset refuses", resetIsRefused},
		{"a budget keeps a node", resetKeepsBudgets},
		{"reset takes a node out", resetTakesNodeOut},
		{"the node joins again", resetNodeJoinsAgain},
		{"reset leaves nothing", resetLeavesNothing},
	})
}

func clusterIsCreated(t *testing.T, c *testCluster) {
	t.Helper()
	c.mustCreate(t)
	info, err := os.Stat(c.kubeconfig())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig: %v, %v", info, err)
	}
	if got := c.kube(t, "config", "current-context"); got != testLabName()+"-admin@"+testLabName() {
		t.Errorf("the context is %s", got)
	}
	for _, host := range []string{hostName("cp-1"), hostName("worker-1"), hostName("worker-2")} {
		if got := c.on(t, host, "firewall-cmd --state; cat /etc/firewalld/firewalld.conf | grep ^IPv6_rpfilter=; "+
			"nft list table inet firewalld | grep -c 'fib saddr . mark . iif' || true"); got != "running\nIPv6_rpfilter=no\n0" {
			t.Errorf("%s: firewalld: %q", host, got)
		}
		if left := c.on(t, host, "find /etc/dualstrap /var/lib/dualstrap /tmp -name '*config.yaml' -o -name '*.tar' | head"); left != "" {
			t.Errorf("%s: left behind: %s", host, left)
		}
	}
	for _, host := range []string{hostName("cp-1"), hostName("worker-1"), hostName("worker-2")} {
		if got := c.on(t, host, "ctr -n k8s.io images ls | grep ^dualstrap.dev/ | grep -v io.cri-containerd.pinned=pinned || true"); got != "" {
			t.Errorf("%s: the kubelet may remove images: %s", host, got)
		}
	}
	clusterKeepsSecrets(t, c)
	// kubeadm writes the proxies of its environment into the pods that it makes.
	if got := c.on(t, hostName("cp-1"), "grep -ri _proxy /etc/kubernetes/manifests || true"); got != "" {
		t.Errorf("static pods have proxies: %s", got)
	}
	if got := c.kube(t, "get", "daemonset", "-n", "kube-system", "kube-proxy", "-o", "yaml"); strings.Contains(strings.ToLower(got), "http") {
		t.Errorf("kube-proxy has proxies: %s", got)
	}
}

// clusterKeepsSecrets checks that tokens and keys are not in logs, and that no join tokens are left in the cluster.
func clusterKeepsSecrets(t *testing.T, c *testCluster) {
	t.Helper()
	secret := regexp.MustCompile(`\b[a-z0-9]{6}\.[a-z0-9]{16}\b|BEGIN [A-Z ]*PRIVATE KEY`)
	logs, err := filepath.Glob(c.file("log/*/*"))
	if err != nil || len(logs) < 5 { // the run's log, the report, and a log for each host
		t.Fatalf("logs: %v, %v", logs, err)
	}
	for _, path := range logs {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found := secret.Find(content); found != nil {
			t.Errorf("%s holds a secret: %s", path, found)
		}
	}
	if got := c.kube(t, "get", "secrets", "-n", "kube-system", "-l", "dualstrap.dev/join-token", "-o", "name"); got != "" {
		t.Errorf("tokens are left: %s", got)
	}
}

// plan returns the address plan of the manifests.
func (c *testCluster) plan(t *testing.T) api.Plan {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), c.program, "plan", "-f", c.manifest, "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var plan api.Plan
	if err := json.Unmarshal(out, &plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

func clusterNodesAsPlanned(t *testing.T, c *testCluster) {
	t.Helper()
	const each = `{range .items[*]}{.spec.providerID} {.spec.podCIDR} {.spec.podCIDRs[*]} ` +
		`{.status.addresses[?(@.type=="InternalIP")].address} {.metadata.labels.baremetal\.cluster\.gke\.io/node-pool}{"\n"}{end}`
	got := sorted(strings.Split(c.kube(t, "get", "nodes", "-o", "jsonpath="+each), "\n"))
	var want []string
	for _, node := range c.plan(t).Nodes {
		ipv6 := strings.Replace(node.Address.String(), "10.2.0.", "fd12::2:", 1)
		want = append(want, fmt.Sprintf("baremetal://%s %s %s %s %s %s %s",
			node.Address, node.PodCIDRs[0], node.PodCIDRs[0], node.PodCIDRs[1], node.Address, ipv6, node.Pool))
	}
	if diff := cmp.Diff(sorted(want), got); diff != "" {
		t.Errorf("nodes (-plan +cluster):\n%s", diff)
	}
	for _, version := range c.fields(t, `{.items[*].status.nodeInfo.kubeletVersion}`, "get", "nodes") {
		if version != c.release {
			t.Errorf("a kubelet says %s", version)
		}
	}
}

// clusterConverges checks that a second run changes nothing, and restarts no service or pod.
func clusterConverges(t *testing.T, c *testCluster) {
	t.Helper()
	running := func() string {
		return c.on(t, hostName("cp-1"), started) +
			c.kube(t, "get", "pods", "-A", "-o", `jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[*].restartCount}{"\n"}{end}`)
	}
	before := running()
	c.keepsServing(t, "a second run", func() {
		if again := c.mustCreate(t, "--skip-verify"); again.Changes > 0 {
			t.Errorf("the second run changes %s", strings.Join(again.summary(), "\n"))
		}
	})
	if diff := cmp.Diff(before, running()); diff != "" {
		t.Errorf("the second run disturbs (-before +after):\n%s", diff)
	}
}

// documented holds the Deployment and the two Services of Google's documentation, with the server of the bundle as image.
const documented = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: "my-deployment"
spec:
  selector:
    matchLabels:
      app: "try-dual-stack"
  replicas: 3
  template:
    metadata:
      labels:
        app: "try-dual-stack"
    spec:
      containers:
      - name: "hello"
        image: "dualstrap.dev/hello:2.0.0"
---
apiVersion: v1
kind: Service
metadata:
  name: "my-service"
spec:
  selector:
    app: "try-dual-stack"
  type: "ClusterIP"
  ipFamilyPolicy: "RequireDualStack"
  ipFamilies:
  - "IPv6"
  - "IPv4"
  ports:
  - port: 80
    targetPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: "my-lb-service"
spec:
  selector:
    app: "try-dual-stack"
  type: "LoadBalancer"
  ipFamilyPolicy: "RequireDualStack"
  ipFamilies:
  - "IPv6"
  - "IPv4"
  ports:
  - port: 80
    targetPort: 8080
`

const says = "Hello, world!\nVersion: 2.0.0\nHostname: my-deployment-"

func clusterServes(t *testing.T, c *testCluster) {
	t.Helper()
	c.apply(t, documented)
	c.kube(t, "rollout", "status", "deployment/my-deployment", "--timeout=180s")
	addresses := c.fields(t, `{.spec.clusterIPs[*]} {.spec.clusterIP}`, "get", "service", "my-service")
	if len(addresses) != 3 || addresses[2] != addresses[0] ||
		!strings.HasPrefix(addresses[0], "fd12::5:") || !strings.HasPrefix(addresses[1], "172.16.") {
		t.Fatalf("clusterIPs: %v", addresses)
	}
	for _, host := range c.fields(t, `{.items[*].metadata.name}`, "get", "nodes") {
		for _, address := range addresses[:2] {
			c.answers(t, host, at(address, 80, "/"), says)
		}
	}
	for _, address := range c.loadBalancer(t) {
		c.answers(t, "client", at(address, 80, "/"), says)
	}
}

// loadBalancer waits until the documentation's LoadBalancer Service has its addresses, and returns them, IPv4 first.
func (c *testCluster) loadBalancer(t *testing.T) []string {
	t.Helper()
	var addresses []string
	eventually(t, "the Service has an address of each family", func() string {
		addresses = sorted(c.fields(t, `{.status.loadBalancer.ingress[*].ip}`, "get", "service", "my-lb-service"))
		if len(addresses) == 2 && strings.HasPrefix(addresses[0], "10.2.0.2") && strings.HasPrefix(addresses[1], "fd12::4:1") {
			return ""
		}
		return fmt.Sprintf("it has %v", addresses)
	})
	if slices.Contains(addresses, "10.2.0.212") {
		t.Errorf("the ingress VIP was given away: %v", addresses)
	}
	return addresses
}

func clusterServicePolicies(t *testing.T, c *testCluster) {
	t.Helper()
	for policy, want := range map[string][]string{
		"SingleStack":      {"172.16."},
		"PreferDualStack":  {"172.16.", "fd12::5:"},
		"RequireDualStack": {"172.16.", "fd12::5:"},
	} {
		name := strings.ToLower(policy)
		c.apply(t, "apiVersion: v1\nkind: Service\nmetadata:\n  name: "+name+"\nspec:\n  ipFamilyPolicy: "+policy+"\n  ports:\n  - port: 80\n")
		got := c.fields(t, `{.spec.clusterIPs[*]}`, "get", "service", name)
		c.kube(t, "delete", "service", name)
		matches := len(got) == len(want)
		for i := range min(len(got), len(want)) {
			matches = matches && strings.HasPrefix(got[i], want[i])
		}
		if !matches {
			t.Errorf("%s: clusterIPs %v, want them to begin with %v", policy, got, want)
		}
	}
}
