//go:build integration

package cmd_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/provision/proof"
)

// wreck is a way to break a cluster, and how the proof reports it.
type wreck struct {
	// host is where the script runs; if empty, it runs on the host of the API server.
	host, script string
	// check and target identify the check that fails; message is a part of its message.
	check, target, message string
}

// proofFails breaks the cluster in every way that the proof checks. Faults that do not affect each other are made together.
// After each group, a run of create repairs the cluster.
func proofFails(t *testing.T, c *testCluster) {
	t.Helper()
	const nowhere = `{"spec":{"template":{"spec":{"nodeSelector":{"no":"where"}}}}}`
	elsewhere := `{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":` +
		`{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"NotIn","values":["` +
		hostName("worker-1") + `"]}]}]}}}}}}}`
	ranges := c.fields(t, `{.spec.podCIDRs[*]}`, "get", "node", hostName("worker-2"))
	for _, round := range []struct {
		name   string
		wrecks []wreck
	}{
		{"what the agent holds is taken away", []wreck{
			{
				"", "kubectl -n dualstrap-system patch daemonset dualstrap-agent --patch '" + nowhere + "' && " +
					"kubectl -n dualstrap-system wait --for=delete pod --selector app.kubernetes.io/name=dualstrap-agent --timeout=120s",
				"flat-ipv6", "10.2.0.100 -> 10.2.0.5", "cannot call fd12::1:1",
			},
			{hostName("worker-1"), "ip route del " + ranges[0], "pod-to-pod", "10.2.0.5 -> 10.2.0.6", "cannot call 192.168."},
			{hostName("worker-2"), "nft delete table inet dualstrap", "island-ipv4", "10.2.0.6 -> 10.2.0.100", ""},
		}},
		{"what hosts and nodes are is changed", []wreck{
			{
				hostName("worker-1"), "sed -i s/^IPv6_rpfilter=.*/IPv6_rpfilter=yes/ /etc/firewalld/firewalld.conf; systemctl restart firewalld",
				"firewalld-rpfilter", "10.2.0.5", "",
			},
			{
				"", "kubectl -n dualstrap-system scale deployment dualstrap-controller --replicas=0 && kubectl -n dualstrap-system " +
					"wait --for=delete pod --selector app.kubernetes.io/name=dualstrap-controller --timeout=120s",
				"kubelet-certificate", "10.2.0.6", "is pending: dualstrap-controller has said nothing about it",
			},
			{
				hostName("worker-2"), "rm /var/lib/kubelet/pki/kubelet-server-*; systemctl restart kubelet",
				"kubelet-certificate", "10.2.0.6", "the kubelet shows no certificate",
			},
			{"", named("kubectl label node LAB-worker-2 --overwrite baremetal.cluster.gke.io/node-pool=other"), "node-labels", "10.2.0.6", "other"},
			{
				"", "kubectl -n metallb-system patch daemonset speaker --patch '" + nowhere + "' && " +
					"kubectl -n metallb-system wait --for=delete pod --selector component=speaker --timeout=120s",
				"service-load-balancer", "10.2.0.100 -> load-balancer", "10.2.0.2",
			},
			// The agent repairs this whenever it notices, so the script breaks it again and again. Packets with forged addresses
			// arrive, or the rule that has dropped them is gone with its counter: the check fails either way.
			{
				hostName("worker-1"), "systemd-run -q --unit=believe sh -c 'while nft flush chain inet dualstrap from_pods; do sleep 0.1; done'",
				"pod-source-address", "10.2.0.5 -> 10.2.0.6", "the pod on 10.2.0.5",
			},
			// The client would use the address in its neighbour cache until that expires.
			{"client", "ip neighbour flush dev eth0", "service-load-balancer", "10.2.0.100 -> load-balancer", "10.2.0.2"},
		}},
		{"Services are taken away", []wreck{
			{
				"", `kubectl -n kube-system patch service kube-dns --type merge --patch ` +
					`'{"spec":{"ipFamilyPolicy":"SingleStack","ipFamilies":["IPv4"],"clusterIPs":["172.16.0.10"]}}'`,
				"service-dns", "10.2.0.6", "IPv6",
			},
			{
				"", "kubectl -n kube-system patch daemonset kube-proxy --patch '" + elsewhere + "' && sleep 1 && " +
					"kubectl -n kube-system wait --for=delete pod --selector k8s-app=kube-proxy " +
					named("--field-selector spec.nodeName=LAB-worker-1 --timeout=120s"),
				"service-cluster-ip", "10.2.0.5", "",
			},
			{hostName("worker-1"), "nft delete table ip kube-proxy; nft delete table ip6 kube-proxy", "service-cluster-ip", "10.2.0.5", "172.16."},
		}},
	} {
		t.Run(round.name, func(t *testing.T) { c.isWrecked(t, round.wrecks) })
	}
}

// isWrecked breaks the cluster, checks that the proof fails as expected, and lets create repair it.
func (c *testCluster) isWrecked(t *testing.T, wrecks []wreck) {
	t.Helper()
	for _, wreck := range wrecks {
		if wreck.host == "" {
			c.on(t, hostName("cp-1"), "export KUBECONFIG=/etc/kubernetes/admin.conf; "+wreck.script)
			continue
		}
		c.on(t, wreck.host, wreck.script)
	}
	report, code := c.prove(t)
	if code != 5 || report.OK {
		t.Errorf("exit code %d, the report says %t", code, report.OK)
	}
	failed := map[string]string{}
	for _, check := range report.Checks {
		if check.Status == proof.Failed {
			failed[check.Name+" "+check.Target] = check.Message
			t.Logf("%s %s: %s", check.Name, check.Target, check.Message)
		}
	}
	for _, wreck := range wrecks {
		message, found := failed[wreck.check+" "+wreck.target]
		if !found || !strings.Contains(message, wreck.message) {
			t.Errorf("after %s: %s %s fails with %q, want %q in it", wreck.script, wreck.check, wreck.target, message, wreck.message)
		}
	}
	c.on(t, hostName("worker-1"), "systemctl stop believe 2>/dev/null || :")
	c.kube(t, "patch", "daemonset", "-n", "kube-system", "kube-proxy", "--patch", `{"spec":{"template":{"spec":{"affinity":null}}}}`)
	c.kube(t, "rollout", "status", "daemonset", "-n", "kube-system", "kube-proxy", "--timeout=300s")
	if mended := c.mustCreate(t); mended.Changes == 0 {
		t.Error("there was nothing to mend")
	}
}

// prove runs check cluster, and returns its report and exit code.
func (c *testCluster) prove(t *testing.T) (proof.Report, int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), c.program, "check", "cluster", "-f", c.manifest, "--bundle", c.bundle, "-o", "json").Output()
	var report proof.Report
	if decoding := json.Unmarshal(out, &report); decoding != nil {
		t.Fatalf("it prints no report: %v, %v\n%s", decoding, err, out)
	}
	return report, exitCode(err)
}

// settles waits until the proof succeeds. When the host that holds the control plane's VIP goes down, idle connections to
// the API server are lost silently; their clients notice when they next probe them, within 8 seconds.
func (c *testCluster) settles(t *testing.T) {
	t.Helper()
	eventually(t, "the cluster is proven", func() string {
		report, code := c.prove(t)
		if code == 0 {
			return ""
		}
		missing := created{Proof: &report}.failures()
		t.Logf("not proven yet, exit code %d:\n%s", code, missing)
		return fmt.Sprintf("exit code %d: %s", code, missing)
	})
}
