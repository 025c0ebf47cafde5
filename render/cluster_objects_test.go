package render_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/api"
	v1 "github.com/dualstrap/dualstrap/api/v1"
	"github.com/dualstrap/dualstrap/internal/nodeaddress"
	"github.com/dualstrap/dualstrap/render"
)

// nodesOf renders an input and decodes its Nodes.
func nodesOf(tb testing.TB, in render.Input) []corev1.Node {
	tb.Helper()
	var nodes []corev1.Node
	for document := range strings.SplitSeq(manifest(tb, in, "30-nodes.yaml"), "---\n") {
		var node corev1.Node
		if err := yaml.UnmarshalStrict([]byte(document), &node); err != nil {
			tb.Fatal(err)
		}
		nodes = append(nodes, node)
	}
	return nodes
}

func TestNodeObjects(t *testing.T) {
	t.Parallel()
	in := probed(exampleInput(t, "ha"), "node")
	worker := &in.Config.Pools[2]
	worker.Taints = []v1.Taint{
		{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoSchedule},
		{Key: "slow", Effect: corev1.TaintEffectNoExecute},
	}
	worker.Labels = map[string]string{"rack": "r1"}
	worker.Nodes[0].K8sIP = netip.MustParseAddr("10.3.0.9")
	nodes := nodesOf(t, in)
	if len(nodes) != len(in.Plan.Nodes) {
		t.Fatalf("%d nodes, the plan has %d", len(nodes), len(in.Plan.Nodes))
	}
	for i, node := range nodes {
		planned := in.Plan.Nodes[i]
		var want []string
		for _, prefix := range planned.PodCIDRs {
			want = append(want, prefix.String())
		}
		got := append([]string{node.Name, node.Spec.PodCIDR}, node.Spec.PodCIDRs...)
		want = append([]string{in.Discovered.Hosts[planned.Address].NodeName, want[0]}, want...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("name, podCIDR and podCIDRs of node %d (-want +got):\n%s", i, diff)
		}
	}
	first := nodes[5] // of the first pool of workers
	labels := map[string]string{
		api.LabelNodePool: "workers", api.LabelK8sIP: "10.3.0.9", api.LabelNamespace: "cluster-ha",
		render.LabelWorkerRole: "", "rack": "r1",
		nodeaddress.LabelIPv4: "10.3.0.9", nodeaddress.LabelIPv6: "fd12-0000-0000-0000-0000-0000-0002-f006",
	}
	if diff := cmp.Diff(labels, first.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if first.Spec.ProviderID != "baremetal://10.3.0.9" {
		t.Errorf("providerID %s", first.Spec.ProviderID)
	}
	taints := []corev1.Taint{{Key: "dedicated", Value: "gpu", Effect: "NoSchedule"}, {Key: "slow", Effect: "NoExecute"}}
	if diff := cmp.Diff(taints, first.Spec.Taints); diff != "" {
		t.Errorf("taints (-want +got):\n%s", diff)
	}
}

// TestNodeRoles checks which nodes get the label of workers, and which that of nodes that announce addresses of
// Services.
func TestNodeRoles(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{ // by example; + marks a node that announces Services
		"dual-stack": {"control-plane+", "worker", "worker"},
		"ha": {
			"control-plane", "control-plane", "control-plane", "load-balancer+", "load-balancer+",
			"worker", "worker", "worker", "worker", "worker",
		},
		"manual-lb": {"control-plane", "control-plane", "control-plane", "worker", "worker"},
	}
	for name, want := range tests {
		in := exampleInput(t, name)
		var got []string
		for i, node := range nodesOf(t, in) {
			role := string(in.Plan.Nodes[i].Role)
			if _, worker := node.Labels[render.LabelWorkerRole]; worker != (role == "worker") {
				t.Errorf("%s: node %d is %s, its labels are %v", name, i, role, node.Labels)
			}
			if node.Labels[render.LabelLoadBalancerNode] == "true" {
				role += "+"
			}
			got = append(got, role)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: roles (-want +got):\n%s", name, diff)
		}
	}
}

// TestCustomResources checks that fields added by an API server are removed, and that those of the manifests' author
// are kept.
func TestCustomResources(t *testing.T) {
	t.Parallel()
	in := exampleInput(t, "dual-stack")
	cluster := &in.Config.Manifests.Clusters[0].Value
	cluster.Annotations = map[string]string{"team": "net"}
	cluster.UID, cluster.ResourceVersion, cluster.Finalizers = "u", "7", []string{"f"}
	in.Config.Manifests.ClusterCIDRConfigs[0].Value.Status.Capacity = "256"
	got := manifest(t, in, "20-objects.yaml")
	if !strings.Contains(got, "metadata:\n  annotations:\n    team: net\n  name: dual-stack\n  namespace: cluster-dual-stack\nspec:\n") {
		t.Errorf("the Cluster's metadata is not as its author wrote it:\n%s", got)
	}
	for _, alien := range []string{"uid", "resourceVersion", "finalizers", "status", "creationTimestamp", "{}", "null", `""`} {
		if strings.Contains(got, alien) {
			t.Errorf("the objects have %s:\n%s", alien, got)
		}
	}
}

// TestNoSecrets checks that no manifest of the cluster has a secret, with a header and options that name key files.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	in := exampleInput(t, "dual-stack")
	in.Config.SSH.PrivateKeyPath, in.Config.SSH.User = "/root/secret-key", "secret-user"
	in.Config.RegistryMirrors = []api.RegistryMirror{{Endpoint: "https://secret-mirror", PullCredentialConfigPath: "/root/secret-login"}}
	in.Discovered = render.Discovered{
		BootstrapToken: "secret-token", CACertHash: "sha256:secret-hash", CertificateKey: "secret-certificate-key",
	}
	files, err := render.Cluster(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.Contains(string(file.Content), "secret-") {
			t.Errorf("%s holds a secret:\n%s", file.Path, file.Content)
		}
	}
}

// poolsOf returns one line for each address pool and advertisement.
func poolsOf(tb testing.TB, in render.Input) []string {
	tb.Helper()
	var lines []string
	for document := range strings.SplitSeq(manifest(tb, in, "72-address-pools.yaml"), "---\n") {
		var object struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct {
				Addresses                 []string
				AutoAssign, AvoidBuggyIPs bool
				Interfaces                []string
				NodeSelectors             []any
			}
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			tb.Fatal(err)
		}
		spec := object.Spec
		if object.Kind == "L2Advertisement" {
			lines = append(lines, fmt.Sprintf("%s %s %v", object.Metadata.Name, spec.Interfaces, spec.NodeSelectors))
			continue
		}
		addresses := strings.Join(spec.Addresses, ",")
		lines = append(lines, fmt.Sprintf("%s %s auto=%t avoid=%t", object.Metadata.Name, addresses, spec.AutoAssign, spec.AvoidBuggyIPs))
	}
	return lines
}

func TestAddressPools(t *testing.T) {
	t.Parallel()
	pool := func(name string, ranges ...string) api.AddressPool {
		p := api.AddressPool{Name: name}
		for _, r := range ranges {
			p.Addresses = append(p.Addresses, netipx.MustParseIPRange(r))
		}
		return p
	}
	both := pool("pool-1", "10.2.0.212-10.2.0.221", "fd12::4:101-fd12::4:110")
	manual, careful := both, both
	manual.ManualAssign, careful.AvoidBuggyIPs = true, true
	const v6, kept, reserved = ",fd12::4:101-fd12::4:110", " auto=true avoid=false", " auto=false avoid=false"
	tests := map[string]struct {
		pools   []api.AddressPool
		ingress string
		want    []string
	}{
		"no ingress VIP": {
			[]api.AddressPool{both}, "", []string{"pool-1 10.2.0.212-10.2.0.221" + v6 + kept},
		},
		"the first address": {
			[]api.AddressPool{both},
			"10.2.0.212",
			[]string{"pool-1 10.2.0.213-10.2.0.221" + v6 + kept, "ingress-vip 10.2.0.212/32" + reserved},
		},
		"the last address": {
			[]api.AddressPool{both},
			"10.2.0.221",
			[]string{"pool-1 10.2.0.212-10.2.0.220" + v6 + kept, "ingress-vip 10.2.0.221/32" + reserved},
		},
		"one between": {
			[]api.AddressPool{both},
			"10.2.0.215",
			[]string{"pool-1 10.2.0.212-10.2.0.214,10.2.0.216-10.2.0.221" + v6 + kept, "ingress-vip 10.2.0.215/32" + reserved},
		},
		"a pool of nothing else": {
			[]api.AddressPool{both, pool("i", "10.2.0.230-10.2.0.230")},
			"10.2.0.230",
			[]string{"pool-1 10.2.0.212-10.2.0.221" + v6 + kept, "ingress-vip 10.2.0.230/32" + reserved},
		},
		"manual assignment": {
			[]api.AddressPool{manual}, "", []string{"pool-1 10.2.0.212-10.2.0.221" + v6 + " auto=false avoid=false"},
		},
		"addresses to avoid": {
			[]api.AddressPool{careful}, "", []string{"pool-1 10.2.0.212-10.2.0.221" + v6 + " auto=true avoid=true"},
		},
		"ranges that are CIDRs": {
			[]api.AddressPool{pool("p", "10.2.0.224-10.2.0.231", "fd12::4:0-fd12::4:ffff")},
			"",
			[]string{"p 10.2.0.224/29,fd12::4:0/112" + kept},
		},
		"a pool of the VIP's name": {
			[]api.AddressPool{pool("ingress-vip", "10.2.0.1-10.2.0.2")},
			"10.2.0.1",
			[]string{"ingress-vip 10.2.0.2/32" + kept, "ingress-vip-reserved 10.2.0.1/32" + reserved},
		},
		"the end of the IPv4 space": {
			[]api.AddressPool{pool("p", "255.255.255.254-255.255.255.255")},
			"255.255.255.255",
			[]string{"p 255.255.255.254/32" + kept, "ingress-vip 255.255.255.255/32" + reserved},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := exampleInput(t, "dual-stack")
			in.Config.LoadBalancer.Pools = test.pools
			in.Config.LoadBalancer.IngressVIP = netip.Addr{}
			if test.ingress != "" {
				in.Config.LoadBalancer.IngressVIP = netip.MustParseAddr(test.ingress)
			}
			want := append(test.want, "load-balancer-nodes [(known after probe)] [map[matchLabels:map[baremetal.cluster.gke.io/lbnode:true]]]")
			if diff := cmp.Diff(want, poolsOf(t, in)); diff != "" {
				t.Errorf("pools (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAdvertisements renders load balancer nodes whose interfaces have the same name, different names, or unknown
// names.
func TestAdvertisements(t *testing.T) {
	t.Parallel()
	const all = "[map[matchLabels:map[baremetal.cluster.gke.io/lbnode:true]]]"
	const some = "[map[matchExpressions:[map[key:baremetal.cluster.gke.io/k8s-ip operator:In values:[%s]]]]]"
	tests := map[string]struct {
		interfaces [2]string
		want       []string
	}{
		"alike":     {[2]string{"eth0", "eth0"}, []string{"load-balancer-nodes [eth0] " + all}},
		"not known": {[2]string{"", ""}, []string{"load-balancer-nodes [(known after probe)] " + all}},
		"different": {[2]string{"eth0", "bond0"}, []string{
			"load-balancer-nodes-of-10.2.0.7 [eth0] " + fmt.Sprintf(some, "10.2.0.7"),
			"load-balancer-nodes-of-10.2.0.8 [bond0] " + fmt.Sprintf(some, "10.2.0.8"),
		}},
		"one not known": {[2]string{"eth0", ""}, []string{
			"load-balancer-nodes-of-10.2.0.7 [eth0] " + fmt.Sprintf(some, "10.2.0.7"),
			"load-balancer-nodes-of-10.2.0.8 [(known after probe)] " + fmt.Sprintf(some, "10.2.0.8"),
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := probed(exampleInput(t, "ha"), "node")
			for i, address := range []string{"10.2.0.7", "10.2.0.8"} {
				in.Discovered.Hosts[netip.MustParseAddr(address)] = render.HostFacts{Interface: test.interfaces[i]}
			}
			got := poolsOf(t, in)
			if diff := cmp.Diff(test.want, got[len(got)-len(test.want):]); diff != "" {
				t.Errorf("advertisements (-want +got):\n%s", diff)
			}
		})
	}
}
