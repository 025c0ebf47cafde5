//go:build integration

package render

import (
	"crypto/x509"
	"encoding/pem"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	proxyv1alpha1 "k8s.io/kube-proxy/config/v1alpha1"
	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/api"
	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// kubeadmRoot is a directory that kubeadm treats as the root of the first control plane node, with the files that its
// phases wrote.
type kubeadmRoot string

// kubeadmInitPhases runs the phases of kubeadm init that need neither a cluster nor a network.
func kubeadmInitPhases(tb testing.TB, in Input) kubeadmRoot {
	tb.Helper()
	const host = "10.2.0.4"
	root := tb.TempDir()
	for _, file := range filesOf(tb, in) {
		if file.Host == host && strings.HasPrefix(file.Path, kubeadmDir) {
			writeFile(tb, filepath.Join(root, file.Path), string(file.Content), file.Mode)
		}
	}
	unshare := debianProgram(tb, "unshare", "util-linux")
	script := `
set -eu
kubeadm() { ` + shellWord(builtProgram(tb, "kubeadm")) + ` --rootfs ` + shellWord(root) + ` "$@" --config ` + kubeadmConfig + `; }
mkdir ` + shellWord(filepath.Join(root, "tmp")) + `
for phase in 'certs all' 'kubeconfig all' 'etcd local' 'control-plane all' kubelet-start; do
	kubeadm init phase $phase
done
kubeadm init phase addon kube-proxy --print-manifest >` + shellWord(filepath.Join(root, "kube-proxy.yaml")) + `
kubeadm config images list >` + shellWord(filepath.Join(root, "images")) + "\n"
	run(tb, unshare, "--net", "bash", "-c", script)
	return kubeadmRoot(root)
}

func (r kubeadmRoot) read(tb testing.TB, path string) string {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join(string(r), path))
	if err != nil {
		tb.Fatal(err)
	}
	return string(content)
}

// container returns the container of one of the control plane's static pods.
func (r kubeadmRoot) container(tb testing.TB, name string) corev1.Container {
	tb.Helper()
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte(r.read(tb, StaticPods+"/"+name+".yaml")), &pod); err != nil {
		tb.Fatal(err)
	}
	return pod.Spec.Containers[0]
}

// flags returns the flags of one of the control plane's components.
func (r kubeadmRoot) flags(tb testing.TB, name string) map[string]string {
	tb.Helper()
	flags := map[string]string{}
	for _, argument := range r.container(tb, name).Command[1:] {
		flag, value, _ := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
		flags[flag] = value
	}
	return flags
}

func (r kubeadmRoot) kubelet(tb testing.TB) kubeletv1beta1.KubeletConfiguration {
	tb.Helper()
	var config kubeletv1beta1.KubeletConfiguration
	if err := yaml.UnmarshalStrict([]byte(r.read(tb, "/var/lib/kubelet/config.yaml")), &config); err != nil {
		tb.Fatal(err)
	}
	return config
}

// kubeProxy returns the configuration in kube-proxy's ConfigMap.
func (r kubeadmRoot) kubeProxy(tb testing.TB) proxyv1alpha1.KubeProxyConfiguration {
	tb.Helper()
	for document := range strings.SplitSeq(r.read(tb, "kube-proxy.yaml"), "\n---\n") {
		var object corev1.ConfigMap
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			tb.Fatal(err)
		}
		if object.Kind != "ConfigMap" {
			continue
		}
		var config proxyv1alpha1.KubeProxyConfiguration
		if err := yaml.UnmarshalStrict([]byte(object.Data["config.conf"]), &config); err != nil {
			tb.Fatal(err)
		}
		return config
	}
	tb.Fatal("kubeadm prints no ConfigMap for kube-proxy")
	return proxyv1alpha1.KubeProxyConfiguration{}
}

// servesAs returns the addresses in the API server's certificate.
func (r kubeadmRoot) servesAs(tb testing.TB) []netip.Addr {
	tb.Helper()
	block, _ := pem.Decode([]byte(r.read(tb, "/etc/kubernetes/pki/apiserver.crt")))
	if block == nil {
		tb.Fatal("the API server's certificate is not PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		tb.Fatal(err)
	}
	var addresses []netip.Addr
	for _, ip := range certificate.IPAddresses {
		address, _ := netip.AddrFromSlice(ip)
		addresses = append(addresses, address.Unmap())
	}
	return addresses
}

// TestIntegrationKubeadmDerivesControlPlane checks what kubeadm derives from the configuration: the behaviour of the cluster
// depends on the flags, not on the text.
func TestIntegrationKubeadmDerivesControlPlane(t *testing.T) {
	t.Parallel()
	ipv6First := scenarioInput(t, "manual-load-balancer/known")
	slices.Reverse(ipv6First.Config.Network.Services)
	tests := []struct {
		name            string
		in              Input
		advertise, port string
		services, etcd  string
		servesAs        []string
	}{
		{
			"one control plane", scenarioInput(t, "one-control-plane/known"),
			"10.2.0.4", "6443", "172.16.0.0/20,fd12::5:0/116", "https://10.2.0.4:2379",
			[]string{"172.16.0.1", "10.2.0.175", "10.2.0.4", "fd12::2:4"},
		},
		{
			"several", scenarioInput(t, "three-control-planes-with-load-balancers/known"),
			"10.2.0.4", "6443", "172.16.0.0/20,fd12::5:0/116", "https://10.2.0.4:2379",
			[]string{
				"172.16.0.1", "10.2.0.175", "10.2.0.4", "fd12::2:4", "10.2.0.5", "fd12::2:5", "10.2.0.6", "fd12::2:6", "fd12::9",
			},
		},
		{
			"Services have IPv6 first", ipv6First,
			"fd12::2:4", "6443", "fd12::5:0/116,172.16.0.0/20", "https://[fd12::2:4]:2379",
			[]string{"fd12::5:1", "10.2.0.175", "10.2.0.4", "fd12::2:4"},
		},
		{
			"VIP on the API server's port", scenarioInput(t, "flat-ipv4/known"),
			"10.2.0.4", "6444", "172.16.0.0/20,fd12::5:0/116", "https://10.2.0.4:2379",
			[]string{"172.16.0.1", "10.2.0.175", "10.2.0.4", "fd12::2:4"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := kubeadmInitPhases(t, tt.in)
			server := root.flags(t, "kube-apiserver")
			for flag, want := range map[string]string{
				"advertise-address": tt.advertise, "secure-port": tt.port, "service-cluster-ip-range": tt.services,
				// Another test checks the permissions of kubelets under these authorizers and plugins.
				"authorization-mode": "Node,RBAC", "enable-admission-plugins": "NodeRestriction",
			} {
				if server[flag] != want {
					t.Errorf("kube-apiserver has --%s=%s, want %s", flag, server[flag], want)
				}
			}
			testControllerManager(t, root.flags(t, "kube-controller-manager"), tt.in.Config.Name)
			// Members of etcd find each other under this URL.
			if got := root.flags(t, "etcd")["advertise-client-urls"]; got != tt.etcd {
				t.Errorf("etcd has --advertise-client-urls=%s, want %s", got, tt.etcd)
			}
			testImages(t, root, tt.in.Config.Kubernetes)
			var want []netip.Addr
			for _, address := range tt.servesAs {
				want = append(want, netip.MustParseAddr(address))
			}
			got := root.servesAs(t)
			slices.SortFunc(got, netip.Addr.Compare)
			slices.SortFunc(want, netip.Addr.Compare)
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("addresses of the API server's certificate (-want +got):\n%s", diff)
			}
		})
	}
}

// testControllerManager checks that the controller manager has no range of pods, with which it would assign podCIDRs as
// well.
func testControllerManager(t *testing.T, flags map[string]string, cluster string) {
	t.Helper()
	if flags["allocate-node-cidrs"] != "false" || flags["cluster-name"] != cluster {
		t.Errorf("flags of kube-controller-manager are %v", flags)
	}
	for flag := range flags {
		if flag == "cluster-cidr" || strings.HasPrefix(flag, "node-cidr-mask-size") {
			t.Errorf("kube-controller-manager has --%s", flag)
		}
	}
}

// testImages checks that the images that kubeadm requires are the ones that the bundle brings to hosts.
func testImages(t *testing.T, root kubeadmRoot, release api.Release) {
	t.Helper()
	want := []string{
		api.Image("coredns", release.CoreDNS),
		api.Image("etcd", release.Etcd),
		api.Image("kube-apiserver", release.Kubernetes),
		api.Image("kube-controller-manager", release.Kubernetes),
		api.Image("kube-proxy", release.Kubernetes),
		api.Image("kube-scheduler", release.Kubernetes),
		api.Image("pause", api.PauseVersion),
	}
	if diff := cmp.Diff(want, slices.Sorted(strings.Lines(root.read(t, "images"))), cmp.Transformer("trim", strings.TrimSpace)); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		if image := root.container(t, name).Image; !slices.Contains(want, image) {
			t.Errorf("%s runs %s, which is not among the images", name, image)
		}
	}
}

// TestIntegrationKubeadmDerivesKubelet checks the configuration of the kubelet and of kube-proxy after kubeadm has applied the
// patch of a node.
func TestIntegrationKubeadmDerivesKubelet(t *testing.T) {
	t.Parallel()
	in := scenarioInput(t, "one-control-plane/known")
	plain := kubeadmInitPhases(t, in)
	burst, qps, serialize := int32(20), int32(0), false
	in.Config.Pools[0].Kubelet = v1.KubeletConfig{RegistryBurst: &burst, RegistryPullQPS: &qps, SerializeImagePulls: &serialize}
	address := netip.MustParseAddr("10.2.0.4")
	facts := in.Discovered.Hosts[address]
	facts.Container, facts.CgroupV1 = true, true
	in.Discovered.Hosts[address] = facts
	special := kubeadmInitPhases(t, in)

	const flags = `KUBELET_KUBEADM_ARGS="--hostname-override=node-4 --node-ip=10.2.0.4,fd12::2:4 --provider-id=baremetal://10.2.0.4"`
	if got := strings.TrimSpace(plain.read(t, "/var/lib/kubelet/kubeadm-flags.env")); got != flags {
		t.Errorf("the kubelet's flags are\n%s, want\n%s", got, flags)
	}
	want := plain.kubelet(t)
	if want.ContainerRuntimeEndpoint != CRISocket || want.StaticPodPath != StaticPods || want.MaxPods != 110 {
		t.Errorf("the kubelet's configuration is %+v", want)
	}
	if diff := cmp.Diff([]string{"172.16.0.10"}, want.ClusterDNS); diff != "" {
		t.Errorf("clusterDNS (-want +got):\n%s", diff)
	}
	fail := false
	want.RegistryBurst, want.RegistryPullQPS, want.SerializeImagePulls, want.FailCgroupV1 = burst, &qps, &serialize, &fail
	want.FeatureGates = map[string]bool{"KubeletInUserNamespace": true}
	if diff := cmp.Diff(want, special.kubelet(t)); diff != "" {
		t.Errorf("the patched kubelet's configuration (-want +got):\n%s", diff)
	}
	proxy := special.kubeProxy(t)
	if proxy.Mode != "nftables" || proxy.DetectLocalMode != "InterfaceNamePrefix" ||
		proxy.DetectLocal.InterfaceNamePrefix != podInterfacePrefix || proxy.ClusterCIDR != "" {
		t.Errorf("kube-proxy's configuration is %+v", proxy)
	}
	zero := int32(0)
	limits := []*int32{proxy.Conntrack.MaxPerCore, proxy.Conntrack.Min}
	if diff := cmp.Diff([]*int32{&zero, &zero}, limits); diff != "" {
		t.Errorf("kube-proxy's conntrack.maxPerCore and min (-want +got):\n%s", diff)
	}
}
