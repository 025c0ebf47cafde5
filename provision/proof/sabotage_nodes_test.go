package proof_test

import (
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// changeNode returns a sabotage of the Node object of 10.2.0.5.
func changeNode(change func(*corev1.Node)) func(*prooftest.Network) {
	return func(n *prooftest.Network) { n.ChangeNode(n.Nodes[1], change) }
}

// TestSabotageOfNodes breaks what the API server reports about nodes.
func TestSabotageOfNodes(t *testing.T) {
	t.Parallel()
	expectFound(t, []sabotage{
		{
			"a node's providerID is of another address",
			changeNode(func(node *corev1.Node) { node.Spec.ProviderID = "baremetal://10.2.0.6" }),
			`failed node-provider-id 10.2.0.5: it is "baremetal://10.2.0.6", and should be "baremetal://10.2.0.5"`,
		},
		{
			"a node has lost a label of its pool",
			changeNode(func(node *corev1.Node) { delete(node.Labels, "disk") }),
			`failed node-labels 10.2.0.5: disk is missing`,
		},
		{
			"a node has the label of another pool",
			changeNode(func(node *corev1.Node) { node.Labels[api.LabelNodePool] = "control-plane" }),
			`failed node-labels 10.2.0.5: is "control-plane", and should be "workers"`,
		},
		{
			"a node reports its IPv4 address only",
			changeNode(func(node *corev1.Node) { node.Status.Addresses = node.Status.Addresses[:1] }),
			`failed node-addresses 10.2.0.5: its internal addresses are 10.2.0.5, and should be 10.2.0.5 and fd12::2:5`,
		},
		{
			"a node reports an IPv6 address that its interface does not have",
			changeNode(func(node *corev1.Node) { node.Status.Addresses[1].Address = "fd12::9:9" }),
			`failed node-addresses 10.2.0.5: are 10.2.0.5 and fd12::9:9`,
		},
		{
			"a node has one pod range",
			changeNode(func(node *corev1.Node) { node.Spec.PodCIDRs = node.Spec.PodCIDRs[:1] }),
			`failed node-pod-cidrs 10.2.0.5: it has 192.168.1.0/24, and the plan says 192.168.1.0/24 and fd12::1:100/120
			failed pod-ips 10.2.0.5: the pod's fd12::1:102 is in none of the node's ranges, 192.168.1.0/24`,
		},
		{
			"two nodes have the same IPv6 pod range",
			func(n *prooftest.Network) {
				shared := n.Nodes[0].PodCIDRs[1]
				n.Plan.Nodes[1].PodCIDRs[1] = shared
				n.ChangeNode(n.Nodes[1], func(node *corev1.Node) { node.Spec.PodCIDRs[1] = shared.String() })
			},
			`failed node-pod-cidrs 10.2.0.4: node node-2 has fd12::1:0/120, too
			failed node-pod-cidrs 10.2.0.5: node node-1 has fd12::1:0/120, too
			failed pod-ips 10.2.0.5: the pod's fd12::1:102 is in none of the node's ranges`,
		},
		{
			"a pod has an address outside of its node's pod range",
			func(n *prooftest.Network) { n.Nodes[1].PodsFrom[1] = netip.MustParsePrefix("fd12::1:900/120") },
			`failed pod-ips 10.2.0.5: the pod's fd12::1:902 is in none of the node's ranges, 192.168.1.0/24 and fd12::1:100/120
			failed pod-to-pod 10.2.0.4 -> 10.2.0.5: fd12::1:2 cannot call fd12::1:902: | no route to host
			failed pod-to-pod 10.2.0.5 -> 10.2.0.6: fd12::1:902 cannot call fd12::1:202: no answer
			failed service-cluster-ip 10.2.0.4: no route to host
			failed service-cluster-ip 10.2.0.6: no route to host
			failed service-load-balancer 10.2.0.100 -> load-balancer: no route to host
			failed flat-ipv6 10.2.0.100 -> 10.2.0.5: fd12::3:1 cannot call fd12::1:902
			failed flat-ipv6 10.2.0.5 -> 10.2.0.100: fd12::1:902 cannot call fd12::3:1: no answer`,
		},
		{
			"a pod has no IPv6 address",
			func(n *prooftest.Network) { n.Nodes[1].PodsFrom = n.Nodes[1].PodsFrom[:1] },
			`failed pod-ips 10.2.0.5: the pod has 192.168.1.2, and should have an address of each family
			failed pod-to-pod 10.2.0.4 -> 10.2.0.5: a pod has no IPv6 address
			failed pod-to-pod 10.2.0.5 -> 10.2.0.6: a pod has no IPv6 address
			skipped pod-source-address 10.2.0.4 -> 10.2.0.5: do not both have an address of each family
			skipped pod-source-address 10.2.0.5 -> 10.2.0.6: do not both have an address of each family
			failed service-cluster-ip all: fd12:: | only 2 of its pods answer
			failed service-dns 10.2.0.5: the pod cannot call http://require-dual-stack
			failed service-load-balancer 10.2.0.100 -> load-balancer: fd12:: | only 2 of its pods answer
			failed flat-ipv6 10.2.0.100 -> 10.2.0.5: the pod has no IPv6 address
			failed flat-ipv6 10.2.0.5 -> 10.2.0.100: the pod has no IPv6 address`,
		},
		{
			"a pod has two IPv4 addresses",
			func(n *prooftest.Network) { n.Nodes[1].PodsFrom[1] = n.Nodes[1].PodsFrom[0] },
			`failed pod-ips 10.2.0.5: the pod has 192.168.1.2 and 192.168.1.2, and should have an address of each family
			failed pod-to-pod 10.2.0.4 -> 10.2.0.5: a pod has no IPv6 address
			failed pod-to-pod 10.2.0.5 -> 10.2.0.6: a pod has no IPv6 address
			skipped pod-source-address 10.2.0.4 -> 10.2.0.5: do not both have an address of each family
			skipped pod-source-address 10.2.0.5 -> 10.2.0.6: do not both have an address of each family
			failed service-cluster-ip all: fd12:: | only 2 of its pods answer
			failed service-dns 10.2.0.5: the pod cannot call http://require-dual-stack
			failed service-load-balancer 10.2.0.100 -> load-balancer: fd12:: | only 2 of its pods answer
			failed flat-ipv6 10.2.0.100 -> 10.2.0.5: the pod has no IPv6 address
			failed flat-ipv6 10.2.0.5 -> 10.2.0.100: the pod has no IPv6 address`,
		},
		{
			"a host of the manifests is not a node",
			func(n *prooftest.Network) { n.Forget(n.Nodes[1]) },
			`failed node-ready 10.2.0.5: the cluster has no node with the address 10.2.0.5
			failed node-pod-cidrs 10.2.0.5: the cluster has no node
			failed node-addresses 10.2.0.5: the cluster has no node
			failed node-provider-id 10.2.0.5: the cluster has no node
			failed node-labels 10.2.0.5: the cluster has no node
			failed kubelet-certificate 10.2.0.5: the cluster has no node
			failed pod-ips 10.2.0.5: the cluster has no node
			skipped pod-to-pod 10.2.0.5 -> 10.2.0.6: the pod on 10.2.0.5 does not run
			failed pod-source-address 10.2.0.5 -> 10.2.0.6: the cluster has no node
			skipped service-dns 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped pod-to-pod 10.2.0.4 -> 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped pod-source-address 10.2.0.4 -> 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped flat-ipv6 10.2.0.100 -> 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped flat-ipv6 10.2.0.5 -> 10.2.0.100: the pod on 10.2.0.5 does not run
			skipped island-ipv4 10.2.0.5 -> 10.2.0.100: the pod on 10.2.0.5 does not run`,
		},
		{
			"a node is not ready",
			changeNode(func(node *corev1.Node) {
				node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse, Message: "no CNI"}}
			}),
			`failed node-ready 10.2.0.5: node node-2 is not ready: no CNI
			failed pod-ips 10.2.0.5: no pod comes up there
			skipped pod-to-pod 10.2.0.5 -> 10.2.0.6: the pod on 10.2.0.5 does not run
			skipped pod-source-address 10.2.0.5 -> 10.2.0.6: the pod on 10.2.0.5 does not run
			skipped service-dns 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped pod-to-pod 10.2.0.4 -> 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped pod-source-address 10.2.0.4 -> 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped flat-ipv6 10.2.0.100 -> 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped flat-ipv6 10.2.0.5 -> 10.2.0.100: the pod on 10.2.0.5 does not run
			skipped island-ipv4 10.2.0.5 -> 10.2.0.100: the pod on 10.2.0.5 does not run`,
		},
		{
			"kube-controller-manager does not run",
			func(n *prooftest.Network) { n.API.Idle = true },
			`failed pod-ips all: no pod comes up there: the DaemonSet's pod is missing: is kube-controller-manager running?
			skipped pod-to-pod all: does not run
			skipped pod-source-address all: does not run
			skipped service-cluster-ip all: no pod runs that could answer at fd12:: | at 172.16.
			skipped service-dns all: does not run
			skipped service-load-balancer 10.2.0.100 -> load-balancer: no pod runs that could answer at fd12:: | at 10.2.0.21
			skipped flat-ipv6 all: does not run
			skipped island-ipv4 all: does not run`,
		},
		{
			"a host does not answer", func(n *prooftest.Network) { n.Nodes[1].Unreachable = true },
			`failed node-addresses 10.2.0.5: cannot connect to 10.2.0.5: no answer
			failed kubelet-certificate 10.2.0.5: cannot connect to 10.2.0.5
			failed pod-ips 10.2.0.5: no pod comes up there
			failed pod-to-pod 10.2.0.5 -> 10.2.0.6: cannot connect to 10.2.0.5
			failed pod-source-address 10.2.0.5 -> 10.2.0.6: cannot connect to 10.2.0.5
			failed service-cluster-ip 10.2.0.5: cannot connect to 10.2.0.5
			failed service-dns 10.2.0.5: cannot connect to 10.2.0.5
			failed firewalld-rpfilter 10.2.0.5: cannot connect to 10.2.0.5
			skipped pod-to-pod 10.2.0.4 -> 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped pod-source-address 10.2.0.4 -> 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped flat-ipv6 10.2.0.100 -> 10.2.0.5: the pod on 10.2.0.5 does not run
			skipped flat-ipv6 10.2.0.5 -> 10.2.0.100: the pod on 10.2.0.5 does not run
			skipped island-ipv4 10.2.0.5 -> 10.2.0.100: the pod on 10.2.0.5 does not run`,
		},
		{
			"a host does not let SSH forward", func(n *prooftest.Network) { n.Nodes[1].RefusesForwarding = true },
			`skipped kubelet-certificate 10.2.0.5: cannot connect through 10.2.0.5
			skipped pod-to-pod 10.2.0.5 -> 10.2.0.6: cannot connect through 10.2.0.5
			skipped pod-source-address 10.2.0.4 -> 10.2.0.5: cannot connect through 10.2.0.5
			skipped pod-source-address 10.2.0.5 -> 10.2.0.6: cannot connect through 10.2.0.5
			skipped service-cluster-ip 10.2.0.5: cannot connect through 10.2.0.5
			skipped service-dns 10.2.0.5: cannot connect through 10.2.0.5
			skipped flat-ipv6 10.2.0.5 -> 10.2.0.100: cannot be asked by its own node: cannot connect through 10.2.0.5
			skipped island-ipv4 10.2.0.5 -> 10.2.0.100: cannot be asked by its own node: cannot connect through 10.2.0.5`,
		},
	})
}

// TestSabotageOfControlPlane breaks kubelets' certificates, and the address of the control plane.
func TestSabotageOfControlPlane(t *testing.T) {
	t.Parallel()
	static := func(program string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: program + "-node-1"}}
	}
	expectFound(t, []sabotage{
		{
			"a kubelet's certificate is of another authority",
			func(n *prooftest.Network) { n.Nodes[1].Kubelet.Authority = prooftest.NewAuthority(n) },
			`failed kubelet-certificate 10.2.0.5: certificate signed by unknown authority | has not requested a serving certificate`,
		},
		{
			"a kubelet's certificate lacks the IPv6 address",
			func(n *prooftest.Network) { n.Nodes[1].Kubelet.Names = n.Nodes[1].Kubelet.Names[:2] },
			`failed kubelet-certificate 10.2.0.5: fd12::2:5`,
		},
		{
			"a kubelet has the certificate of another node",
			func(n *prooftest.Network) { n.Nodes[1].Kubelet.Names = n.Nodes[2].Kubelet.Names },
			`failed kubelet-certificate 10.2.0.5: node-3, not node-2`,
		},
		{
			"a kubelet does not listen",
			func(n *prooftest.Network) { n.Nodes[1].Kubelet.Names = nil },
			`failed kubelet-certificate 10.2.0.5: connection refused`,
		},
		{
			"a kubelet does not listen, in a cluster of self-signed certificates",
			func(n *prooftest.Network) {
				n.ConfigureKubelets("kind: KubeletConfiguration\n")
				n.Nodes[1].Kubelet.Names = nil
			},
			`failed kubelet-certificate 10.2.0.5: connection refused`,
		},
		{
			"API servers trust another authority of kubelets",
			func(n *prooftest.Network) { n.Nodes[1].Kubelet.Distrusted = true },
			`failed kubelet-certificate 10.2.0.5: the certificate is good, but API servers cannot ask the kubelet`,
		},
		{
			"no host has the control plane's address", func(n *prooftest.Network) { n.VIP.Silent = true },
			`failed control-plane-vip 10.2.0.200:6443: asked from 10.2.0.100: no answer`,
		},
		{
			"the API server is not ready", func(n *prooftest.Network) { n.VIP.Unready = true },
			`failed control-plane-vip 10.2.0.200:6443: asked from 10.2.0.100: | etcd failed`,
		},
		{
			"another cluster has the control plane's address",
			func(n *prooftest.Network) { n.VIP.Authority = prooftest.NewAuthority(n) },
			`failed control-plane-vip 10.2.0.200:6443: certificate signed by unknown authority`,
		},
		{
			"the API server's certificate lacks the control plane's address",
			func(n *prooftest.Network) { n.VIP.Names = []string{"10.2.0.4"} },
			`failed control-plane-vip 10.2.0.200:6443: 10.2.0.4, not 10.2.0.200`,
		},
		{
			"haproxy does not become ready",
			func(n *prooftest.Network) {
				prooftest.Change(n, static("haproxy"), func(pod *corev1.Pod) {
					pod.Status.Conditions[0] = corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse, Message: "it restarts"}
				})
			},
			`failed control-plane-balancers 10.2.0.4: haproxy-node-1 does not run | it restarts`,
		},
		{
			"keepalived is missing",
			func(n *prooftest.Network) {
				if err := n.API.Objects.Delete(t.Context(), static("keepalived")); err != nil {
					t.Error(err)
				}
			},
			`failed control-plane-balancers 10.2.0.4: there is no pod keepalived-node-1`,
		},
		{
			"firewalld drops packets of pods now", func(n *prooftest.Network) { n.Nodes[1].RPFilter.Running = true },
			`failed firewalld-rpfilter 10.2.0.5: the running rules drop packets by their reverse path`,
		},
		{
			"firewalld drops packets of pods after its next start", func(n *prooftest.Network) { n.Nodes[1].RPFilter.InFile = true },
			`failed firewalld-rpfilter 10.2.0.5: IPv6_rpfilter is yes`,
		},
	})
}
