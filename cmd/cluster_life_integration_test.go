//go:build integration

package cmd_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clusterSurvivesKills kills programs that keep up the network, and waits until they work again.
func clusterSurvivesKills(t *testing.T, c *testCluster) {
	t.Helper()
	address := c.loadBalancer(t)[1]
	c.kube(t, "delete", "pod", "-n", "metallb-system", "-l", "component=speaker", "--force", "--grace-period=0", "--wait=false")
	begun := time.Now()
	c.answers(t, "client", at(address, 80, "/"), says)
	t.Logf("speaker killed: %s answers after %s", address, time.Since(begun).Round(time.Millisecond))

	c.on(t, hostName("worker-1"), "pkill -KILL -f '^/usr/local/bin/dualstrap agent'")
	begun = time.Now()
	pod := c.fields(t, `{.status.podIPs[1].ip}`, "get", "pod", "caller")[0]
	c.answers(t, "client", at(pod, 8080, "/"), "Hello")
	t.Logf("agent killed: pod %s answers after %s", pod, time.Since(begun).Round(time.Millisecond))
	c.kube(t, "delete", "pod", "caller", "--grace-period=0", "--force")
	c.proxiesFollow(t)
	t.Logf("agent killed: it follows pods again after %s", time.Since(begun).Round(time.Millisecond))

	c.killsProxy(t, address)

	c.on(t, hostName("cp-1"), "pkill -KILL -f '^/usr/local/bin/dualstrap controller'")
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

	c.keepsServing(t, "a restart", func() {
		c.on(t, hostName("worker-1"), "systemctl restart containerd kubelet firewalld; firewall-cmd -q --reload")
	})
	clusterServes(t, c)
}

// killsProxy kills kube-proxy on the node to which a load balancer's address leads. Rules that are still valid when it
// restarts have to stay.
func (c *testCluster) killsProxy(t *testing.T, address string) {
	t.Helper()
	served := func() []string {
		return sorted(strings.Fields(c.on(t, hostName("cp-1"),
			"nft list table ip kube-proxy | grep -o '[0-9.]* . tcp . [0-9]* : goto [^ ,]*' | tr -d ' '")))
	}
	before := served()
	c.on(t, hostName("cp-1"), "pkill -KILL -x kube-proxy")
	begun := time.Now()
	c.apply(t, "apiVersion: v1\nkind: Service\nmetadata:\n  name: later\nspec:\n  selector: {app: try-dual-stack}\n"+
		"  ports:\n  - port: 80\n    targetPort: 8080\n")
	later := c.fields(t, `{.spec.clusterIP}`, "get", "service", "later")[0]
	c.answers(t, hostName("cp-1"), at(later, 80, "/"), says)
	t.Logf("kube-proxy killed: a Service that is made then answers after %s", time.Since(begun).Round(time.Millisecond))
	c.kube(t, "delete", "service", "later")
	eventually(t, "the Service is gone", func() string {
		return cmp.Diff(before, served())
	})
	c.answers(t, "client", at(address, 80, "/"), says)
}

// clusterRepairsDrift changes manually what create set up, on a host and in the cluster, and checks that create repairs it.
func clusterRepairsDrift(t *testing.T, c *testCluster) {
	t.Helper()
	c.on(t, hostName("worker-1"), "rm /etc/sysctl.d/90-dualstrap.conf; systemctl disable -q kubelet; "+
		"firewall-cmd -q --permanent --remove-port=10250/tcp; firewall-cmd -q --remove-port=10250/tcp; "+
		"sysctl -qw net.ipv4.conf.all.forwarding=0")
	c.kube(t, "label", "node", hostName("worker-1"), "--overwrite", "baremetal.cluster.gke.io/node-pool=other")
	c.kube(t, "delete", "daemonset", "-n", "dualstrap-system", "dualstrap-agent")
	c.kube(t, "annotate", "crd", "clustercidrconfigs.baremetal.cluster.gke.io", "controller-gen.kubebuilder.io/version-")

	repaired := c.mustCreate(t)
	summary := strings.Join(repaired.summary(), "\n")
	for _, want := range []string{
		"10.2.0.5 prepare: create /etc/sysctl.d/90-dualstrap.conf",
		"10.2.0.5 prepare: enable kubelet.service",
		"10.2.0.5 prepare: ", "10250/tcp",
		named("10.2.0.4 apply-manifests: update Node LAB-worker-1"),
		"10.2.0.4 apply-manifests: create DaemonSet dualstrap-system/dualstrap-agent",
		"10.2.0.4 apply-manifests: update CustomResourceDefinition clustercidrconfigs.baremetal.cluster.gke.io",
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

// clusterIsNotTakenOver runs create with manifests of another cluster on the same hosts, and with manifests that change
// immutable settings of this one.
func clusterIsNotTakenOver(t *testing.T, c *testCluster) {
	t.Helper()
	mine := c.manifest
	defer func() { c.manifest = mine }()
	c.settingsAreRefused(t)
	c.versionIsRefused(t)
	for _, test := range []struct {
		rewritten []string
		says      string
	}{
		{[]string{"controlPlaneVIP: 10.2.0.175", "controlPlaneVIP: 10.2.0.176"}, "10.2.0.5 belongs to the cluster at "},
		{
			[]string{"- 172.16.0.0/20", "- 172.17.0.0/20"},
			`spec.clusterNetwork.services.cidrBlocks is ["172.16.0.0/20","fd12::5:0/116"] in the cluster and ["172.17.0.0/20",`,
		},
		{
			[]string{"  name: cluster-wide-ranges", "  name: other-ranges", "    cidr: fd12::1:0/112", "    cidr: fd12::7:0/112"},
			"/cluster-wide-ranges is not in the manifests any more, and 3 nodes have pod ranges of it: ",
		},
	} {
		c.rewrite(t, append(test.rewritten, handJoined(), "")...)
		_, said, err := c.create(t)
		if got := exitCode(err); got != 4 || !strings.Contains(said, test.says) {
			t.Errorf("exit code %d, it does not say %q:\n%s", got, test.says, said)
		}
	}
	c.manifest = mine
	c.apply(t, "apiVersion: v1\nkind: Node\nmetadata:\n  name: stranger\n")
	again := c.mustCreate(t, "--skip-verify")
	if again.Changes > 0 || !slices.Equal(again.Unlisted, []string{"stranger"}) {
		t.Errorf("nodes that are not in the manifests: %v; changed: %v", again.Unlisted, again.summary())
	}
	c.kube(t, "delete", "node", "stranger")
}
