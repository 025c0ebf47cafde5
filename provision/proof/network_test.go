package proof_test

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// allResults are those of three nodes, of which one carries the control plane's VIP.
func allResults() []string {
	return []string{
		"node-ready 3", "node-pod-cidrs 3", "node-addresses 3", "node-provider-id 3", "node-labels 3", "kubelet-certificate 3",
		"pod-ips 3", "pod-to-pod 3", "pod-source-address 3",
		"service-ip-families 3", "service-cluster-ip 3", "service-dns 3", "service-load-balancer 1",
		"flat-ipv6 6", "island-ipv4 3",
		"firewalld-rpfilter 3", "control-plane-vip 1", "control-plane-balancers 1",
	}
}

// TestRightClusters proves clusters without a fault: every check passes.
func TestRightClusters(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*prooftest.Network){
		"as dualstrap makes it": func(*prooftest.Network) {},
		"IPv4 is flat": func(n *prooftest.Network) {
			n.Config.Network.FlatIPv4, n.Config.Network.Pods = true, netip.Prefix{}
			for _, node := range n.Nodes {
				node.Masquerades = nil
			}
		},
		"IPv6 is the first family of Services": func(n *prooftest.Network) {
			ranges := n.Config.Network.Services
			ranges[0], ranges[1] = ranges[1], ranges[0]
		},
		"the client has a firewall": func(n *prooftest.Network) { n.Client.Firewall = true },
		"the agents have dropped packets before": func(n *prooftest.Network) {
			for _, node := range n.Nodes {
				node.Guard.Before = 1000
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := prooftest.New(t)
				change(n)
				report := prove(t, n)
				expectResults(t, report, allResults())
				expectFindings(t, report, "")
			})
		})
	}
}

// TestSmallerClusters proves clusters in which some checks do not apply. What is not proven is skipped with the reason.
func TestSmallerClusters(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*prooftest.Network)
		wanted  string
		results []string // empty for those of three nodes
	}{
		"one node": {
			func(n *prooftest.Network) { n.Keep(1) },
			`skipped pod-to-pod 10.2.0.4: the cluster has one node only
			skipped pod-source-address 10.2.0.4: the cluster has one node only`,
			[]string{
				"node-ready 1", "node-pod-cidrs 1", "node-addresses 1", "node-provider-id 1", "node-labels 1", "kubelet-certificate 1",
				"pod-ips 1", "pod-to-pod 1", "pod-source-address 1",
				"service-ip-families 3", "service-cluster-ip 1", "service-dns 1", "service-load-balancer 1",
				"flat-ipv6 2", "island-ipv4 1",
				"firewalld-rpfilter 1", "control-plane-vip 1", "control-plane-balancers 1",
			},
		},
		"another pod network": {
			func(n *prooftest.Network) {
				n.Config.Network.Builtin = false
				for _, node := range n.Nodes { // it has its own ideas of NAT, and no agent
					node.Masquerades = prooftest.Families{api.IPv4: true, api.IPv6: true}
					node.Guard.Silent = true
				}
			},
			`skipped pod-source-address 10.2.0.4 -> 10.2.0.5: network.provider: none
			skipped pod-source-address 10.2.0.5 -> 10.2.0.6: network.provider: none
			skipped pod-source-address 10.2.0.6 -> 10.2.0.4: network.provider: none
			skipped flat-ipv6 10.2.0.100 -> 10.2.0.4: network.provider: none
			skipped flat-ipv6 10.2.0.100 -> 10.2.0.5: network.provider: none
			skipped flat-ipv6 10.2.0.100 -> 10.2.0.6: network.provider: none
			skipped flat-ipv6 10.2.0.4 -> 10.2.0.100: network.provider: none
			skipped flat-ipv6 10.2.0.5 -> 10.2.0.100: network.provider: none
			skipped flat-ipv6 10.2.0.6 -> 10.2.0.100: network.provider: none
			skipped island-ipv4 10.2.0.4 -> 10.2.0.100: network.provider: none
			skipped island-ipv4 10.2.0.5 -> 10.2.0.100: network.provider: none
			skipped island-ipv4 10.2.0.6 -> 10.2.0.100: network.provider: none`,
			nil,
		},
		"load balancers of the user's own": {
			func(n *prooftest.Network) { n.Config.LoadBalancer.Services = api.ServicesExternal },
			"skipped service-load-balancer 10.2.0.100 -> load-balancer: loadBalancer.mode: manual", nil,
		},
		"no pool assigns addresses": {
			func(n *prooftest.Network) { n.Config.LoadBalancer.Pools[0].ManualAssign = true },
			"skipped service-load-balancer 10.2.0.100 -> load-balancer: no address pool assigns addresses automatically", nil,
		},
		"kubelets that request no certificates": {
			func(n *prooftest.Network) {
				n.ConfigureKubelets("kind: KubeletConfiguration\n")
				n.Nodes[1].Kubelet.Authority = prooftest.NewAuthority(n)
			},
			"skipped kubelet-certificate 10.2.0.5: use self-signed serving certificates", nil,
		},
		"pods without raw sockets": {
			func(n *prooftest.Network) { n.Nodes[0].Guard.NoRawSockets = true },
			"skipped pod-source-address 10.2.0.4 -> 10.2.0.5: pods have no raw sockets here", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := prooftest.New(t)
				tt.change(n)
				report := prove(t, n)
				if tt.results == nil {
					tt.results = allResults()
				}
				expectResults(t, report, tt.results)
				expectFindings(t, report, tt.wanted)
			})
		})
	}
}
