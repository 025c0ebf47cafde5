package render

import (
	"fmt"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/dualstrap/dualstrap/api"
	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// scenario is one cluster to render.
type scenario struct {
	name string
	in   Input
}

// hostScenarios returns clusters of every kind, each without facts about its hosts and with all of them. They are
// written by hand, to be independent of package api's validation and of the allocator.
func hostScenarios(tb testing.TB) []scenario {
	tb.Helper()
	clusters := []struct {
		name   string
		config *api.Config
	}{
		{"one-control-plane", oneControlPlane()},
		{"three-control-planes-with-load-balancers", threeControlPlanes()},
		{"flat-ipv4", flatIPv4()},
		{"manual-load-balancer", manualLoadBalancer()},
		{"ranges-per-pool", rangesPerPool()},
		{"ranges-per-node", rangesPerNode()},
	}
	var scenarios []scenario
	for _, c := range clusters {
		in := Input{Config: c.config, Plan: planOf(tb, c.config)}
		scenarios = append(scenarios, scenario{name: c.name + "/offline", in: in})
		in.Discovered = laterOf(c.config)
		scenarios = append(scenarios, scenario{name: c.name + "/known", in: in})
	}
	return scenarios
}

// scenarioInput returns the input of the scenario with a name.
func scenarioInput(tb testing.TB, name string) Input {
	tb.Helper()
	for _, s := range hostScenarios(tb) {
		if s.name == name {
			return s.in
		}
	}
	tb.Fatalf("no scenario %s", name)
	return Input{}
}

func oneControlPlane() *api.Config {
	return &api.Config{
		Name: "dual-stack", Namespace: "cluster-dual-stack", Kubernetes: api.Releases()[0],
		Pools: []api.Pool{
			{Name: "dual-stack", Role: api.RoleControlPlane, Nodes: nodes(4)},
			{Name: "workers", Role: api.RoleWorker, Nodes: nodes(5, 6)},
		},
		CIDRConfigs: []api.CIDRConfig{{
			Name: "cluster-wide-ranges", IPv4: cidrRange("192.168.0.0/16", 24), IPv6: cidrRange("fd12::1:0/112", 120),
		}},
		Network: api.Network{
			Pods:     netip.MustParsePrefix("192.168.0.0/16"),
			Services: []netip.Prefix{netip.MustParsePrefix("172.16.0.0/20"), netip.MustParsePrefix("fd12::5:0/116")},
			Builtin:  true,
		},
		LoadBalancer: api.LoadBalancer{
			ControlPlane: api.ControlPlaneKeepalived, Services: api.ServicesLayer2,
			ControlPlaneVIP: netip.MustParseAddr("10.2.0.175"), Port: 443, GARPRepeat: 5,
		},
		MaxPodsPerNode: 110,
	}
}

// threeControlPlanes includes the features that few clusters use: overrides of facts, taints and labels on the control
// plane, options of kubelets, mirrors, further names of the API server.
func threeControlPlanes() *api.Config {
	config := oneControlPlane()
	config.Name = "ha"
	burst, qps, serialize := int32(20), int32(0), false
	config.Pools = []api.Pool{
		{Name: "ha", Role: api.RoleControlPlane, Nodes: nodes(4, 5, 6), Taints: []v1.Taint{
			{Key: "example.com/etcd", Value: "true", Effect: corev1.TaintEffectNoExecute},
		}},
		{Name: "ha-lb", Role: api.RoleLoadBalancer, Nodes: nodes(7, 8)},
		{
			Name: "workers", Role: api.RoleWorker, Nodes: nodes(9, 10),
			Kubelet: v1.KubeletConfig{RegistryBurst: &burst, RegistryPullQPS: &qps, SerializeImagePulls: &serialize},
		},
		{Name: "edge", Role: api.RoleWorker, Nodes: nodes(12), Taints: []v1.Taint{
			{Key: "example.com/edge", Effect: corev1.TaintEffectNoSchedule},
		}},
	}
	config.Pools[0].Nodes[0].IPv6 = netip.MustParseAddr("fd12::2:4")
	config.Pools[0].Nodes[0].Interface = "bond0.100"
	config.APIServerCertExtraSANs = []string{"api.example.com", "fd12::9", "10.2.0.175"}
	config.SeccompDefault = true
	config.Security.EncryptSecrets = true
	config.RegistryMirrors = []api.RegistryMirror{
		{Endpoint: "https://10.2.0.200:5000/v2/mirror", CACertPath: "/root/ca.pem", PullCredentialConfigPath: "/root/config.json"},
		{Endpoint: "https://[fd12::3:c8]:5000", Hosts: []string{"quay.io"}},
	}
	return config
}

func flatIPv4() *api.Config {
	config := oneControlPlane()
	config.Name = "flat"
	config.Network.FlatIPv4 = true
	config.Network.Pods = netip.Prefix{}
	config.CIDRConfigs[0].IPv4 = cidrRange("10.2.64.0/18", 24)
	config.LoadBalancer.Port = 6443
	return config
}

func manualLoadBalancer() *api.Config {
	config := oneControlPlane()
	config.Name = "manual"
	config.LoadBalancer = api.LoadBalancer{ControlPlaneVIP: netip.MustParseAddr("10.2.0.175"), Port: 6443}
	config.Network.Builtin = false
	config.AllowCgroupV1 = true
	return config
}

func rangesPerPool() *api.Config {
	config := oneControlPlane()
	config.Name = "per-pool"
	config.CIDRConfigs = append(config.CIDRConfigs, api.CIDRConfig{
		Name: "worker-pool-ranges", MatchLabels: map[string]string{api.LabelNodePool: "workers"},
		IPv4: cidrRange("192.168.64.0/18", 24), IPv6: cidrRange("fd12::6:4000/114", 120),
	})
	return config
}

func rangesPerNode() *api.Config {
	config := oneControlPlane()
	config.Name = "per-node"
	config.Network.Pods = netip.Prefix{}
	config.CIDRConfigs = nil
	for i, ip := range []string{"10.2.0.4", "10.2.0.5", "10.2.0.6"} {
		config.CIDRConfigs = append(config.CIDRConfigs, api.CIDRConfig{
			Name: "node-" + ip, MatchLabels: map[string]string{api.LabelK8sIP: ip},
			IPv4: cidrRange(fmt.Sprintf("192.168.%d.0/24", 10*i), 24),
			IPv6: cidrRange(fmt.Sprintf("fd12::1:%d00/120", i), 120),
		})
	}
	return config
}

func nodes(hosts ...byte) []api.Node {
	var list []api.Node
	for _, host := range hosts {
		address := netip.AddrFrom4([4]byte{10, 2, 0, host})
		list = append(list, api.Node{Address: address, K8sIP: address})
	}
	return list
}

func cidrRange(cidr string, nodeMask int) api.CIDRRange {
	return api.CIDRRange{CIDR: netip.MustParsePrefix(cidr), PerNodeMaskSize: nodeMask}
}

// planOf assigns each node the next block of the last ClusterCIDRConfig that selects it, or of the first if there is
// one for all. It stands in for the allocator, whose rules have their own tests.
func planOf(tb testing.TB, config *api.Config) *api.Plan {
	tb.Helper()
	plan := &api.Plan{Cluster: api.PlanCluster{Name: config.Name, Namespace: config.Namespace}}
	next := map[string]int{}
	for i := range config.Pools {
		pool := &config.Pools[i]
		for j := range pool.Nodes {
			labels := config.NodeLabels(pool, &pool.Nodes[j])
			var chosen *api.CIDRConfig
			for k := range config.CIDRConfigs {
				if selects(config.CIDRConfigs[k].MatchLabels, labels) {
					chosen = &config.CIDRConfigs[k]
				}
			}
			if chosen == nil {
				tb.Fatalf("no ClusterCIDRConfig for node %s", pool.Nodes[j].Address)
			}
			index := next[chosen.Name]
			next[chosen.Name]++
			plan.Nodes = append(plan.Nodes, api.PlanNode{
				Address: pool.Nodes[j].Address, Role: pool.Role, Pool: pool.Name, ClusterCIDRConfig: chosen.Name,
				PodCIDRs: []netip.Prefix{block(chosen.IPv4, index), block(chosen.IPv6, index)},
			})
		}
	}
	return plan
}

func selects(match, labels map[string]string) bool {
	for key, value := range match {
		if labels[key] != value {
			return false
		}
	}
	return true
}

// block returns the nth block of a range whose node masks end at a byte.
func block(r api.CIDRRange, n int) netip.Prefix {
	bytes := r.CIDR.Addr().AsSlice()
	bytes[r.PerNodeMaskSize/8-1] += byte(n)
	address, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(address, r.PerNodeMaskSize)
}

// laterOf returns all facts about the hosts of a cluster: ordinary machines, except for the last one, which is a
// container with cgroup v1.
func laterOf(config *api.Config) Discovered {
	later := testSecrets()
	later.Hosts = map[netip.Addr]HostFacts{}
	var last netip.Addr
	for _, pool := range config.Pools {
		for _, node := range pool.Nodes {
			number := node.Address.As4()[3]
			later.Hosts[node.Address] = HostFacts{
				NodeName:  fmt.Sprintf("node-%d", number),
				IPv6:      netip.MustParseAddr(fmt.Sprintf("fd12::2:%x", number)),
				Interface: "eth0",
				MTU:       1500,
			}
			last = node.Address
		}
	}
	facts := later.Hosts[last]
	facts.Container, facts.CgroupV1, facts.AcceptsRouterAdvertisements, facts.FirewalldZone = true, true, true, "internal"
	later.Hosts[last] = facts
	return later
}

// testSecrets holds values in the formats that kubeadm accepts.
func testSecrets() Discovered {
	return Discovered{
		BootstrapToken: "abcdef.0123456789abcdef",
		CACertHash:     "sha256:7c2e69131a36ae2a042a339b33381c6d0d43887e2de83720eff5359e26aec866",
		CertificateKey: "e6a2eb8581237ab72a4f494f30285ec12a9694d750b9785706a83bfcbbbd2204",
		Mirrors: map[string]MirrorFacts{
			"https://10.2.0.200:5000/v2/mirror": {CACert: []byte("-----BEGIN CERTIFICATE-----\n"), Authorization: "Basic dXNlcjpwYXNz"},
		},
	}
}
