package create

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/load/loadtest"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/step"
)

func TestKubeletReasons(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	var nodes []kube.Node
	for i := range 8 {
		node := kube.Node{Name: fmt.Sprintf("w-%d", i), Joined: true, KubeletVersion: "v1.37.2"}
		listed[node.Name] = true
		nodes = append(nodes, node)
	}
	nodes[0].KubeletVersion = "v1.36.3"
	nodes[7].Joined, nodes[7].KubeletVersion = false, ""
	nodes = append(nodes, kube.Node{Name: "another", Joined: true, KubeletVersion: "v1.35.0"})
	want := []string{"w-1, w-2, w-3, w-4, w-5 and 1 other: the kubelet is Kubernetes v1.37.2, and the manifests ask for v1.36.3"}
	if diff := cmp.Diff(want, kubeletReasons("v1.36.3", nodes, listed)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCertificateReasons(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ live, wanted, want []string }{
		"not known":           {wanted: []string{"a.example"}},
		"the same":            {live: []string{"10.2.0.175", "10.2.0.4", "a.example"}, wanted: []string{"a.example"}},
		"a node that is gone": {live: []string{"10.2.0.175", "10.2.0.9"}},
		"one more": {
			live: []string{"10.2.0.175", "a.example"}, wanted: []string{"a.example", "192.0.2.7"},
			want: []string{`Cluster spec.controlPlane.apiServerCertExtraSANs is ["a.example"] in the cluster and ` +
				`["a.example","192.0.2.7"] in the manifests, and cannot be changed yet`},
		},
		"one less": {
			live: []string{"10.2.0.175", "a.example", "192.0.2.7"}, wanted: []string{"192.0.2.7"},
			want: []string{`Cluster spec.controlPlane.apiServerCertExtraSANs is ["a.example","192.0.2.7"] in the cluster and ` +
				`["192.0.2.7"] in the manifests, and cannot be changed yet`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := loadtest.Example(t, "dual-stack.yaml").Config
			cfg.APIServerCertExtraSANs = test.wanted
			var kubeadm step.ClusterConfiguration
			kubeadm.APIServer.CertSANs = test.live
			if diff := cmp.Diff(test.want, certificateReasons(cfg, kubeadm)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProxyReasons(t *testing.T) {
	t.Parallel()
	builtin := proxySettings{Mode: "nftables", DetectLocalMode: "InterfaceNamePrefix"}
	none := proxySettings{Mode: "nftables", DetectLocalMode: "NodeCIDR"}
	for _, test := range []struct {
		proxy   proxySettings
		builtin bool
		want    []string
	}{
		{builtin, true, nil},
		{none, false, nil},
		{proxySettings{}, true, nil},
		{builtin, false, []string{differsReason("ProvisionOptions network.provider", "builtin", "none")}},
		{none, true, []string{differsReason("ProvisionOptions network.provider", "none", "builtin")}},
	} {
		cfg := loadtest.Example(t, "dual-stack.yaml").Config
		cfg.Network.Builtin = test.builtin
		if diff := cmp.Diff(test.want, proxyReasons(cfg, test.proxy)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test, diff)
		}
	}
}

func TestClusterKubeletReasons(t *testing.T) {
	t.Parallel()
	cfg := loadtest.Example(t, "dual-stack.yaml").Config
	same := facts.Kubelet{MaxPods: cfg.MaxPodsPerNode, SeccompDefault: cfg.SeccompDefault}
	other := facts.Kubelet{MaxPods: 60, SeccompDefault: !cfg.SeccompDefault}
	bootstrapped := same
	bootstrapped.ServerTLSBootstrap = true // clusters of older versions do not have it
	for _, kubelet := range []*facts.Kubelet{nil, &same, &bootstrapped} {
		if got := clusterKubeletReasons(cfg, kubelet); len(got) > 0 {
			t.Errorf("for %v it says %q", kubelet, got)
		}
	}
	want := []string{
		differsReason("Cluster spec.nodeConfig.podDensity.maxPodsPerNode", 60, cfg.MaxPodsPerNode),
		differsReason("Cluster spec.clusterSecurity.enableSeccomp", !cfg.SeccompDefault, cfg.SeccompDefault),
	}
	if diff := cmp.Diff(want, clusterKubeletReasons(cfg, &other)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNodeKubeletReasons(t *testing.T) {
	t.Parallel()
	s, err := session.Open(loadtest.Example(t, "dual-stack.yaml"), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	cfg := s.Config
	for i := range s.Hosts {
		kubelet := facts.DefaultKubelet()
		kubelet.NodeIPs = []netip.Addr{s.Hosts[i].K8sIP, netip.MustParseAddr("fd12::2:4")}
		s.Hosts[i].Facts.Membership.Joined, s.Hosts[i].Facts.Kubelet = true, &kubelet
	}
	if got := nodeKubeletReasons(s); len(got) > 0 {
		t.Errorf("where nothing is changed it says %q", got)
	}
	qps, serialize := int32(17), false
	workers := slices.IndexFunc(cfg.Pools, func(p api.Pool) bool { return p.Role == api.RoleWorker })
	cfg.Pools[workers].Kubelet.RegistryPullQPS = &qps
	cfg.Pools[0].Kubelet.SerializeImagePulls = &serialize
	cfg.Pools[0].Nodes[0].IPv6 = netip.MustParseAddr("fd12::2:44")
	s.Hosts[2].Facts.Membership.Joined = false // it will join with the new settings
	want := []string{
		"10.2.0.4: " + differsReason("Cluster/dual-stack spec.controlPlane.nodePoolSpec.kubeletConfig.serializeImagePulls", true, false),
		"10.2.0.4: ProvisionOptions nodes[].ipv6 is fd12::2:4 in the cluster and fd12::2:44 in the manifests, and cannot be changed yet",
		"10.2.0.5: NodePool/workers spec.kubeletConfig.registryPullQPS is 5 in the cluster and 17 in the manifests, and cannot be changed yet",
	}
	if diff := cmp.Diff(want, nodeKubeletReasons(s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSecurityReasons(t *testing.T) {
	t.Parallel()
	args := func(pairs ...string) step.ClusterConfiguration {
		var settings step.ClusterConfiguration
		for i := 0; i < len(pairs); i += 2 {
			settings.APIServer.ExtraArgs = append(settings.APIServer.ExtraArgs, step.ConfigArg{Name: pairs[i], Value: pairs[i+1]})
		}
		return settings
	}
	audited := args("audit-policy-file", "/etc/dualstrap/apiserver/audit-metadata.yaml")
	encrypting := args("encryption-provider-config", "/etc/dualstrap/apiserver/encryption.yaml")
	strict := args("admission-control-config-file", "/etc/dualstrap/apiserver/admission-restricted.yaml", "tls-min-version", "VersionTLS13")
	for name, test := range map[string]struct {
		live   step.ClusterConfiguration
		wanted api.Security
		want   []string
	}{
		"older than the audit log": {},
		"by default":               {live: audited},
		"as it is":                 {live: audited, wanted: api.Security{AuditLog: api.AuditLogMetadata}},
		"an audit log later": {
			wanted: api.Security{AuditLog: api.AuditLogMetadata}, want: []string{"auditLog is none in the cluster and metadata in"},
		},
		"no audit log any more": {
			live: audited, wanted: api.Security{AuditLog: api.AuditLogNone}, want: []string{"auditLog is metadata in the cluster and none in"},
		},
		"strict": {
			wanted: api.Security{PodSecurity: "restricted", TLSMinVersion: "VersionTLS13"},
			want: []string{
				"podSecurity is privileged in the cluster and restricted in", "tlsMinVersion is VersionTLS12 in the cluster and VersionTLS13 in",
			},
		},
		"encrypted as it is": {live: encrypting, wanted: api.Security{AuditLog: api.AuditLogNone, EncryptSecrets: true}},
		"encrypted by others": {
			live: args("encryption-provider-config", "/etc/kubernetes/enc.yaml"),
		},
		"encrypted later": {
			wanted: api.Security{EncryptSecrets: true}, want: []string{"encryptSecrets is false in the cluster and true in"},
		},
		"encrypted no more": {
			live: encrypting, want: []string{"encryptSecrets is true in the cluster and false in"},
		},
		"no longer strict": {
			live: strict,
			want: []string{
				"podSecurity is restricted in the cluster and privileged in", "tlsMinVersion is VersionTLS13 in the cluster and VersionTLS12 in",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, reason := range test.want {
				want = append(want, "ProvisionOptions clusterSecurity."+reason+" the manifests, and cannot be changed yet")
			}
			if diff := cmp.Diff(want, securityReasons(test.wanted, test.live)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
