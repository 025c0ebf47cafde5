package render

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/dualstrap/dualstrap/api"
	v1 "github.com/dualstrap/dualstrap/api/v1"
)

const kubeadmConfig = kubeadmDir + "/config.yaml"

func TestKubeadmConfigurations(t *testing.T) {
	t.Parallel()
	const (
		ha     = "three-control-planes-with-load-balancers/"
		single = "one-control-plane/"
	)
	key := testSecrets().CertificateKey
	tests := []struct {
		name, scenario, host string
		has, hasNot          []string
	}{
		{
			"first control plane", single + "known", "10.2.0.4",
			[]string{
				"kind: InitConfiguration", "kind: ClusterConfiguration", "kind: KubeletConfiguration", "kind: KubeProxyConfiguration",
				`serviceSubnet: "172.16.0.0/20,fd12::5:0/116"`, `controlPlaneEndpoint: "10.2.0.175:443"`, "bindPort: 6443",
			},
			[]string{"kind: JoinConfiguration", "podSubnet:", "clusterCIDR:", "certificateKey", "taints:"},
		},
		{
			"first of several", ha + "known", "10.2.0.4",
			[]string{
				`certificateKey: "` + key + `"`, "seccompDefault: true",
				`key: "node-role.kubernetes.io/control-plane"`, `key: "example.com/etcd"`,
			},
			[]string{"kind: JoinConfiguration", testSecrets().BootstrapToken},
		},
		{
			"further control plane", ha + "known", "10.2.0.5",
			[]string{"kind: JoinConfiguration", "controlPlane:", `certificateKey: "` + key + `"`, `advertiseAddress: "10.2.0.5"`},
			[]string{"kind: InitConfiguration", "kind: ClusterConfiguration"},
		},
		{
			"load balancer", ha + "known", "10.2.0.7",
			[]string{"kind: JoinConfiguration", `apiServerEndpoint: "10.2.0.175:443"`},
			[]string{"controlPlane:", "certificateKey", "taints:"},
		},
		{
			"worker", ha + "known", "10.2.0.9",
			[]string{
				`name: "node-9"`, `value: "10.2.0.9,fd12::2:9"`, `value: "baremetal://10.2.0.9"`,
				`token: "` + testSecrets().BootstrapToken + `"`, `- "` + testSecrets().CACertHash + `"`, "patches:",
			},
			[]string{"controlPlane:", "certificateKey", "ignorePreflightErrors"},
		},
		{
			"container with cgroup v1", ha + "known", "10.2.0.12",
			[]string{`- "SystemVerification"`, "patches:"},
			nil,
		},
		{
			"nothing known", ha + "offline", "10.2.0.5",
			[]string{
				`name: "(known after probe)"`, `value: "10.2.0.5,(known after probe)"`, `token: "(known after init)"`,
				`- "(known after init)"`, `certificateKey: "(known after init)"`,
			},
			[]string{"patches:"},
		},
		{
			"VIP on the API server's port", "flat-ipv4/known", "10.2.0.4",
			[]string{`controlPlaneEndpoint: "10.2.0.175:6443"`, "bindPort: 6444"},
			nil,
		},
		{
			"pod network of the user's", "manual-load-balancer/known", "10.2.0.4",
			[]string{"detectLocalMode: NodeCIDR", "failCgroupV1: false", "bindPort: 6443"},
			[]string{"interfaceNamePrefix"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			content := contentOf(t, filesOf(t, scenarioInput(t, tt.scenario)), tt.host, kubeadmConfig)
			for _, want := range tt.has {
				if !strings.Contains(content, want) {
					t.Errorf("lacks %s:\n%s", want, content)
				}
			}
			for _, unwanted := range tt.hasNot {
				if strings.Contains(content, unwanted) {
					t.Errorf("has %s:\n%s", unwanted, content)
				}
			}
		})
	}
}

// TestAdvertisedFamily checks the family of the advertised address: the API server refuses to start if it differs from
// that of the first range of Services.
func TestAdvertisedFamily(t *testing.T) {
	t.Parallel()
	in := scenarioInput(t, "one-control-plane/known")
	in.Config.Network.Services[0], in.Config.Network.Services[1] = in.Config.Network.Services[1], in.Config.Network.Services[0]
	content := contentOf(t, filesOf(t, in), "10.2.0.4", kubeadmConfig)
	for _, want := range []string{`advertiseAddress: "fd12::2:4"`, `serviceSubnet: "fd12::5:0/116,172.16.0.0/20"`} {
		if !strings.Contains(content, want) {
			t.Errorf("lacks %s:\n%s", want, content)
		}
	}
}

// TestSecretsAreForRootAlone checks the mode of every file that contains a secret.
func TestSecretsAreForRootAlone(t *testing.T) {
	t.Parallel()
	in := scenarioInput(t, "three-control-planes-with-load-balancers/known")
	secrets := []string{in.Discovered.BootstrapToken, in.Discovered.CertificateKey, "Basic dXNlcjpwYXNz"}
	found := map[string]bool{}
	for _, file := range filesOf(t, in) {
		for _, secret := range secrets {
			if !strings.Contains(string(file.Content), secret) {
				continue
			}
			found[secret] = true
			if file.Mode&0o077 != 0 {
				t.Errorf("host %s, %s holds a secret and has mode %#o", file.Host, file.Path, file.Mode)
			}
		}
	}
	if len(found) != len(secrets) {
		t.Errorf("only %d of %d secrets are in any file", len(found), len(secrets))
	}
}

func TestNodeTaints(t *testing.T) {
	t.Parallel()
	own := v1.Taint{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule}
	other := v1.Taint{Key: "example.com/a", Effect: corev1.TaintEffectNoExecute}
	tests := []struct {
		name     string
		role     api.Role
		in, want []v1.Taint
	}{
		{"control plane keeps kubeadm's default", api.RoleControlPlane, nil, nil},
		{"control plane with a taint has both", api.RoleControlPlane, []v1.Taint{other}, []v1.Taint{own, other}},
		{"control plane that names its own taint has it once", api.RoleControlPlane, []v1.Taint{other, own}, []v1.Taint{own, other}},
		{"worker", api.RoleWorker, []v1.Taint{other}, []v1.Taint{other}},
		{"load balancer", api.RoleLoadBalancer, nil, nil},
	}
	for _, tt := range tests {
		got := nodeTaints(&api.Pool{Role: tt.role, Taints: tt.in})
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCertSANs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		scenario string
		want     []string
	}{
		{"one-control-plane/known", []string{"10.2.0.175", "10.2.0.4", "fd12::2:4"}},
		{"one-control-plane/offline", []string{"10.2.0.175", "10.2.0.4", KnownAfterProbe}},
		{"three-control-planes-with-load-balancers/offline", []string{
			"10.2.0.175", "10.2.0.4", "fd12::2:4", "10.2.0.5", KnownAfterProbe, "10.2.0.6", KnownAfterProbe, "api.example.com", "fd12::9",
		}},
	}
	for _, tt := range tests {
		in := scenarioInput(t, tt.scenario)
		hosts, err := resolveHosts(in)
		if err != nil {
			t.Fatal(err)
		}
		r, err := newHostRenderer(in, hosts)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, r.certSANs()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.scenario, diff)
		}
	}
}

func TestKubeletPatch(t *testing.T) {
	t.Parallel()
	burst, qps, serialize := int32(20), int32(0), true
	pool := v1.KubeletConfig{RegistryBurst: &burst, RegistryPullQPS: &qps, SerializeImagePulls: &serialize}
	tests := []struct {
		name          string
		pool          v1.KubeletConfig
		facts         HostFacts
		allowCgroupV1 bool
		want          []string
	}{
		{"nothing", v1.KubeletConfig{}, HostFacts{}, false, nil},
		{"pool", pool, HostFacts{}, false, []string{"registryBurst: 20", "registryPullQPS: 0", "serializeImagePulls: true"}},
		{"cgroup v1", v1.KubeletConfig{}, HostFacts{CgroupV1: true}, false, []string{"failCgroupV1: false"}},
		{"cgroup v1 in the whole cluster", v1.KubeletConfig{}, HostFacts{CgroupV1: true}, true, []string{"failCgroupV1: false"}},
		{"container", v1.KubeletConfig{}, HostFacts{Container: true}, false, []string{"featureGates:", "  KubeletInUserNamespace: true"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := scenarioInput(t, "one-control-plane/offline")
			in.Config.AllowCgroupV1 = tt.allowCgroupV1
			in.Config.Pools[1].Kubelet = tt.pool
			in.Discovered.Hosts = map[netip.Addr]HostFacts{netip.MustParseAddr("10.2.0.5"): tt.facts}
			var lines []string
			for _, file := range filesOf(t, in) {
				if file.Host != "10.2.0.5" || !strings.HasPrefix(file.Path, kubeadmPatches) {
					continue
				}
				for line := range strings.Lines(string(file.Content)) {
					if !strings.HasPrefix(line, "#") {
						lines = append(lines, strings.TrimSuffix(line, "\n"))
					}
				}
			}
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("patch (-want +got):\n%s", diff)
			}
		})
	}
}
