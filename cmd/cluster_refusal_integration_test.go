//go:build integration

package cmd_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// refused runs create with manifests that ask for changes of the existing cluster which it does not make. It has to fail with
// the given texts and the exit code of a refusal, and to change nothing.
func (c *testCluster) refused(t *testing.T, says ...string) {
	t.Helper()
	before := c.kubeletsOfAll(t)
	_, said, err := c.create(t)
	if got := exitCode(err); got != 4 {
		t.Errorf("exit code %d:\n%s", got, said)
	}
	for _, want := range says {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if after := c.kubeletsOfAll(t); after != before {
		t.Errorf("kubelets were %s and are %s", before, after)
	}
}

// kubeletsOfAll returns the process IDs of services, and the checksums of kubelets and their configuration, on the first
// three hosts.
func (c *testCluster) kubeletsOfAll(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, host := range []string{hostName("cp-1"), hostName("worker-1"), hostName("worker-2")} {
		all.WriteString(c.on(t, host, started+"; cksum /usr/local/bin/kubelet /etc/systemd/system/kubelet.service /etc/containerd/config.toml"))
	}
	return all.String()
}

// versionIsRefused runs create with manifests and a bundle of a newer release than the cluster's.
func (c *testCluster) versionIsRefused(t *testing.T) {
	t.Helper()
	newer := *c
	newer.bundle = filepath.Join("..", "build", "bundle-newest")
	newer.rewrite(t, handJoined(), "", `anthosBareMetalVersion: "1.36.3"`, `anthosBareMetalVersion: "1.37.2"`)
	newer.refused(t,
		"the API server is Kubernetes v1.36.3, and the manifests ask for v1.37.2",
		"write anthosBareMetalVersion: 1.36.3, or kubernetesVersion: v1.36.3 in ProvisionOptions",
		": the kubelet is Kubernetes v1.36.3, and the manifests ask for v1.37.2",
	)
}

// settingsAreRefused runs create with manifests whose settings differ from those with which the nodes joined.
func (c *testCluster) settingsAreRefused(t *testing.T) {
	t.Helper()
	c.rewrite(t, handJoined(), "",
		"  controlPlane:\n", "  nodeConfig:\n    podDensity:\n      maxPodsPerNode: 90\n  clusterSecurity:\n    enableSeccomp: true\n"+
			"  controlPlane:\n    apiServerCertExtraSANs: [lab.example]\n",
		named("  clusterName: LAB\n"), named("  clusterName: LAB\n  kubeletConfig:\n    registryPullQPS: 17\n"),
		"verify:\n", "network:\n  provider: none\nclusterSecurity:\n  encryptSecrets: true\nverify:\n",
	)
	c.refused(t,
		"Cluster spec.nodeConfig.podDensity.maxPodsPerNode is 110 in the cluster and 90 in the manifests, and cannot be changed yet",
		"Cluster spec.clusterSecurity.enableSeccomp is false in the cluster and true in the manifests",
		`Cluster spec.controlPlane.apiServerCertExtraSANs is [] in the cluster and ["lab.example"] in the manifests`,
		"10.2.0.5, 10.2.0.6: NodePool/workers spec.kubeletConfig.registryPullQPS is 5 in the cluster and 17 in the manifests",
		"ProvisionOptions network.provider is builtin in the cluster and none in the manifests",
		"ProvisionOptions clusterSecurity.encryptSecrets is false in the cluster and true in the manifests",
	)
	said, err := c.rotation(t).CombinedOutput()
	if exitCode(err) != 4 || !strings.Contains(string(said), "refused, nothing was changed: the cluster does not encrypt Secrets") {
		t.Errorf("a rotation without a key ends with exit code %d:\n%s", exitCode(err), said)
	}
}
