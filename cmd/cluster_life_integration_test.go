//go:build integration

package cmd_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// clusterSurvivesKills kills what holds the network, and waits until it is of use again.
func clusterSurvivesKills(t *testing.T, c *testCluster) {
	t.Helper()
	address := c.loadBalancer(t)[1]
	c.kube(t, "delete", "pod", "-n", "metallb-system", "-l", "component=speaker", "--force", "--grace-period=0", "--wait=false")
	begun := time.Now()
	c.answers(t, "client", at(address, 80, "/"), says)
	t.Logf("speaker killed: %s answers after %s", address, time.Since(begun).Round(time.Millisecond))

	c.on(t, "labtest-worker-1", "pkill -KILL -f '^/usr/local/bin/dualstrap agent'")
	begun = time.Now()
	pod := c.fields(t, `{.status.podIPs[1].ip}`, "get", "pod", "caller")[0]
	c.answers(t, "client", at(pod, 8080, "/"), "Hello")
	t.Logf("agent killed: pod %s answers after %s", pod, time.Since(begun).Round(time.Millisecond))
	c.kube(t, "delete", "pod", "caller", "--grace-period=0", "--force")
	c.proxiesFollow(t)
	t.Logf("agent killed: it follows pods again after %s", time.Since(begun).Round(time.Millisecond))

	c.on(t, "labtest-cp-1", "pkill -KILL -f '^/usr/local/bin/dualstrap controller'")
	begun = time.Now()
	c.apply(t, "apiVersion: v1\nkind: Node\nmetadata:\n  name: late\n")
	eventually(t, "a node that comes now has pod ranges", func() string {
		if len(c.fields(t, `{.spec.podCIDRs[*]}`, "get", "node", "late")) == 2 {
			return ""
		}
		return "it has none"
	})
	t.Logf("controller killed: a new node has its pod ranges after %s", time.Since(begun).Round(time.Millisecond))
	c.kube(t, "delete", "node", "late")

	c.on(t, "labtest-worker-1", "systemctl restart containerd kubelet firewalld; firewall-cmd -q --reload")
	clusterServes(t, c)
}

// clusterRepairsDrift changes by hand what create made, on a host and in the cluster.
func clusterRepairsDrift(t *testing.T, c *testCluster) {
	t.Helper()
	c.on(t, "labtest-worker-1", "rm /etc/sysctl.d/90-dualstrap.conf; systemctl disable -q kubelet; "+
		"firewall-cmd -q --permanent --remove-port=10250/tcp; firewall-cmd -q --remove-port=10250/tcp; "+
		"sysctl -qw net.ipv4.conf.all.forwarding=0")
	c.kube(t, "label", "node", "labtest-worker-1", "--overwrite", "baremetal.cluster.gke.io/node-pool=other")
	c.kube(t, "delete", "daemonset", "-n", "dualstrap-system", "dualstrap-agent")
	c.kube(t, "annotate", "crd", "clustercidrconfigs.baremetal.cluster.gke.io", "controller-gen.kubebuilder.io/version-")

	repaired := c.mustCreate(t)
	summary := strings.Join(repaired.summary(), "\n")
	for _, want := range []string{
		"10.2.0.5 prepare: create /etc/sysctl.d/90-dualstrap.conf",
		"10.2.0.5 prepare: enable kubelet.service",
		"10.2.0.5 prepare: ", "10250/tcp",
		"10.2.0.4 objects: update Node labtest-worker-1",
		"10.2.0.4 objects: create DaemonSet dualstrap-system/dualstrap-agent",
		"10.2.0.4 objects: update CustomResourceDefinition clustercidrconfigs.baremetal.cluster.gke.io",
	} {
		if !strings.Contains(summary, want) {
			t.Errorf("%q is not among what was repaired:\n%s", want, summary)
		}
	}
	if again := c.mustCreate(t, "--skip-verify"); again.Changes > 0 {
		t.Errorf("the next run changes %s", strings.Join(again.summary(), "\n"))
	}
	clusterNodesAsPlanned(t, c)
	clusterServes(t, c)
}

// clusterIsNotTakenOver runs create with the manifests of another cluster on the same hosts.
func clusterIsNotTakenOver(t *testing.T, c *testCluster) {
	t.Helper()
	mine := c.manifest
	defer func() { c.manifest = mine }()
	c.rewrite(t, "controlPlaneVIP: 10.2.0.175", "controlPlaneVIP: 10.2.0.176")
	_, said, err := c.create(t)
	if got := exitCode(err); got != 4 || !strings.Contains(said, "10.2.0.5 belongs to the cluster at ") {
		t.Errorf("exit code %d, it says:\n%s", got, said)
	}
}

func exitCode(err error) int {
	if ended, is := err.(*exec.ExitError); is { //nolint:errorlint // Run gives it as it is
		return ended.ExitCode()
	}
	return 0
}

// TestIntegrationHighAvailability makes a cluster of three control plane nodes and a worker, and stops
// the host that holds the control plane's VIP.
func TestIntegrationHighAvailability(t *testing.T) {
	c := newTestCluster(t, "--control-planes", "3", "--workers", "1")
	c.mustCreate(t)
	if again := c.mustCreate(t, "--skip-verify"); again.Changes > 0 {
		t.Errorf("the second run changes %s", strings.Join(again.summary(), "\n"))
	}
	if members := c.fields(t, `{.items[*].metadata.name}`, "get", "pods", "-n", "kube-system", "-l", "component=etcd"); len(members) != 3 {
		t.Errorf("etcd: %v", members)
	}
	voters := c.kube(t, "get", "--raw", "/readyz/etcd")
	if voters != "ok" {
		t.Errorf("etcd is %s", voters)
	}
	holder := ""
	for _, host := range []string{"labtest-cp-1", "labtest-cp-2", "labtest-cp-3"} {
		if strings.Contains(c.on(t, host, "ip -4 address show dev eth0"), "10.2.0.175/") {
			holder = host
		}
	}
	c.mustRun(t, "stop", holder)
	begun := time.Now()
	eventually(t, "the API answers at the VIP", func() string {
		if _, err := c.tryKube(t, "", "get", "--raw", "/readyz", "--request-timeout=2s"); err != nil {
			return err.Error()
		}
		return ""
	})
	t.Logf("%s held the VIP and was shut down: the API answers %s later", holder, time.Since(begun).Round(time.Millisecond))
	// Two of three members can still write.
	c.apply(t, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: written\n")

	_, said, err := c.create(t)
	if got := exitCode(err); got != 3 || !strings.Contains(said, "1 of 4 hosts failed their checks") {
		t.Errorf("with a host that is down: exit code %d, it says:\n%s", got, said)
	}
	c.mustRun(t, "start", holder)
	c.mustCreate(t)
}

// TestIntegrationPoolsAndFlatIPv4 gives each pool, and one node, ranges of their own, and has IPv4 be
// flat.
func TestIntegrationPoolsAndFlatIPv4(t *testing.T) {
	c := newTestCluster(t)
	c.on(t, "client", "ip route add 10.2.64.0/18 dev eth0")
	c.rewrite(t,
		"  clusterNetwork:\n    pods:\n      cidrBlocks:\n      - 192.168.0.0/16", "  clusterNetwork:\n    flatIPv4: true",
		"    cidr: 192.168.0.0/16\n", "    cidr: 10.2.64.0/20\n",
		"    perNodeMaskSize: 120\n", "    perNodeMaskSize: 120\n---\n"+cidrConfig("workers", "10.2.80.0/20", "fd12::7:0/112",
			"baremetal.cluster.gke.io/node-pool: workers")+"---\n"+cidrConfig("one", "10.2.96.0/24", "fd12::8:0/120",
			"baremetal.cluster.gke.io/k8s-ip: 10.2.0.6")+"---\n",
	)
	c.mustCreate(t)
	clusterNodesAsPlanned(t, c)
	clusterServes(t, c)
	pod, _ := c.caller(t, "labtest-worker-2")
	if !strings.HasPrefix(pod[0], "10.2.96.") || !strings.HasPrefix(pod[1], "fd12::8:") {
		t.Errorf("the node's pod has %v", pod)
	}
	c.startMirror(t)
	for i, client := range []string{"10.2.0.100", "fd12::3:1"} {
		c.answers(t, "client", at(pod[i], 8080, "/client"), client)
		c.answers(t, "client", at(pod[i], 8080, "/fetch?url="+at(client, 9000, "/")), pod[i])
	}
	for _, other := range c.podsOn(t, "labtest-worker-1") {
		for i, address := range other[1:] {
			if strings.HasPrefix(other[0], "my-deployment") {
				c.answers(t, "client", at(pod[i], 8080, "/fetch?url="+at(address, 8080, "/client")), pod[i])
			}
		}
	}
}

// cidrConfig is a ClusterCIDRConfig for the nodes with a label.
func cidrConfig(name, ipv4, ipv6, label string) string {
	return "apiVersion: baremetal.cluster.gke.io/v1alpha1\nkind: ClusterCIDRConfig\nmetadata:\n  name: " + name +
		"\n  namespace: cluster-" + testLabName + "\nspec:\n  nodeSelector:\n    matchLabels:\n      " + label +
		"\n  ipv4:\n    cidr: " + ipv4 + "\n    perNodeMaskSize: 24\n  ipv6:\n    cidr: " + ipv6 + "\n    perNodeMaskSize: 120\n"
}
