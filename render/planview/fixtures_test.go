package planview

import (
	"fmt"
	"math/big"
	"net/netip"
	"testing"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
)

// fixture is a cluster and its plan.
type fixture struct {
	cfg  *api.Config
	plan *api.Plan
}

// fixtures are the clusters that every test of the tables and of the picture runs on.
func fixtures(tb testing.TB) map[string]fixture {
	tb.Helper()
	return map[string]fixture{
		"dual-stack": planned(tb, documented("dual-stack")),
		"per-pool":   planned(tb, perPool()),
		"per-node":   planned(tb, perNode()),
		"ha":         planned(tb, highlyAvailable()),
		"flat-ipv4":  planned(tb, flatIPv4()),
		"manual-lb":  planned(tb, manualLB()),
		"nodes-500":  planned(tb, large("nodes-500", 500)),
		"nodes-5000": planned(tb, large("nodes-5000", 5000)),
		"huge-ipv6":  planned(tb, hugeIPv6()),
		"hostile":    planned(tb, hostile()),
	}
}

// documented is the cluster of the documentation's example: one control plane, two workers, one
// ClusterCIDRConfig.
func documented(name string) *api.Config {
	return &api.Config{
		Name: name, Namespace: "cluster-" + name,
		Kubernetes: api.Release{Kubernetes: "v1.36.3"},
		Pools: []api.Pool{
			pool(name, api.RoleControlPlane, "10.2.0.4", 1),
			pool("workers", api.RoleWorker, "10.2.0.5", 2),
		},
		CIDRConfigs: []api.CIDRConfig{
			cidrConfig("cluster-wide-ranges", "192.168.0.0/16", 24, "fd12::1:0/112", 120),
		},
		Network: api.Network{
			Pods:     netip.MustParsePrefix("192.168.0.0/16"),
			Services: []netip.Prefix{netip.MustParsePrefix("172.16.0.0/20"), netip.MustParsePrefix("fd12::5:0/116")},
			Builtin:  true,
		},
		LoadBalancer: api.LoadBalancer{
			ControlPlane: api.ControlPlaneKeepalived, Services: api.ServicesLayer2, Port: 443,
			ControlPlaneVIP: netip.MustParseAddr("10.2.0.175"),
			IngressVIP:      netip.MustParseAddr("10.2.0.212"),
			Pools: []api.AddressPool{{Name: "pool-1", Addresses: []netipx.IPRange{
				netipx.MustParseIPRange("10.2.0.212-10.2.0.221"),
				netipx.MustParseIPRange("fd12::4:101-fd12::4:110"),
			}}},
		},
	}
}

func perPool() *api.Config {
	cfg := documented("per-pool")
	cfg.Pools = append(cfg.Pools, pool("storage", api.RoleWorker, "10.2.0.7", 2))
	cfg.CIDRConfigs = append(cfg.CIDRConfigs,
		matching(cidrConfig("worker-pool-ccc", "192.168.64.0/18", 24, "fd12::1:4000/114", 120), api.LabelNodePool, "workers"),
		matching(cidrConfig("storage-pool-ccc", "192.168.128.0/18", 23, "fd12::1:8000/114", 119), api.LabelNodePool, "storage"))
	return cfg
}

func perNode() *api.Config {
	cfg := documented("per-node")
	cfg.CIDRConfigs = append(cfg.CIDRConfigs,
		matching(cidrConfig("range-node1", "192.168.1.0/24", 24, "fd12::1:0/120", 120), api.LabelK8sIP, "10.2.0.5"))
	return cfg
}

func highlyAvailable() *api.Config {
	cfg := documented("ha")
	cfg.Pools = []api.Pool{
		pool("ha", api.RoleControlPlane, "10.2.0.4", 3),
		pool("ha-lb", api.RoleLoadBalancer, "10.2.0.7", 2),
		pool("workers", api.RoleWorker, "10.2.0.9", 3),
		pool("edge", api.RoleWorker, "10.2.0.12", 2),
	}
	cfg.Pools[0].Nodes[0].IPv6 = netip.MustParseAddr("fd12::2:4")
	cfg.VerifyClient = netip.MustParseAddr("10.2.0.200")
	return cfg
}

func flatIPv4() *api.Config {
	cfg := documented("flat-ipv4")
	cfg.Network.FlatIPv4, cfg.Network.Pods = true, netip.Prefix{}
	cfg.CIDRConfigs = []api.CIDRConfig{cidrConfig("cluster-wide-ranges", "10.2.64.0/18", 24, "fd12::1:0/112", 120)}
	knowIPv6(cfg, "fd12::2:4")
	return cfg
}

func manualLB() *api.Config {
	cfg := documented("manual-lb")
	cfg.LoadBalancer = api.LoadBalancer{
		Port: 6443, ControlPlaneVIP: netip.MustParseAddr("10.9.0.1"), IngressVIP: netip.MustParseAddr("10.9.0.2"),
	}
	cfg.Network.Services[0], cfg.Network.Services[1] = cfg.Network.Services[1], cfg.Network.Services[0]
	return cfg
}

// large has a control plane of three, load balancers, and three pools of workers.
func large(name string, nodes int) *api.Config {
	cfg := documented(name)
	cfg.Pools = []api.Pool{
		pool(name, api.RoleControlPlane, "10.4.0.10", 3),
		pool(name+"-lb", api.RoleLoadBalancer, "10.4.0.20", 4),
		pool("general", api.RoleWorker, "10.4.1.0", nodes*6/10),
		pool("batch", api.RoleWorker, "10.4.64.0", nodes*3/10),
		pool("gpu", api.RoleWorker, "10.4.128.0", nodes-nodes*6/10-nodes*3/10-7),
	}
	cfg.Network.Pods = netip.MustParsePrefix("172.32.0.0/11")
	cfg.CIDRConfigs = []api.CIDRConfig{
		cidrConfig("cluster-wide-ranges", "172.32.0.0/11", 24, "fd12:1:2:3:4:5::/104", 120),
		matching(cidrConfig("gpu-ranges", "172.40.0.0/15", 25, "fd12:1:2:3:4:5:80:0/109", 121), api.LabelNodePool, "gpu"),
	}
	cfg.LoadBalancer.ControlPlaneVIP = netip.MustParseAddr("10.4.255.1")
	cfg.LoadBalancer.IngressVIP = netip.MustParseAddr("10.4.255.10")
	cfg.LoadBalancer.Pools[0].Addresses = []netipx.IPRange{
		netipx.MustParseIPRange("10.4.255.10-10.4.255.99"), netipx.MustParseIPRange("fd12:1:2:3:4:6:0:101-fd12:1:2:3:4:6:0:1ff"),
	}
	return cfg
}

func hugeIPv6() *api.Config {
	cfg := documented("huge-ipv6")
	cfg.CIDRConfigs = []api.CIDRConfig{
		cidrConfig("cluster-wide-ranges", "192.168.0.0/16", 24, "2001:db8:1234:5678::/64", 120),
	}
	cfg.Network.Services[1] = netip.MustParsePrefix("2001:db8:1234:9999::/108")
	cfg.LoadBalancer.Pools[0].Addresses[1] = netipx.MustParseIPRange(
		"2001:db8:1234:5679:aaaa:bbbb:cccc:1001-2001:db8:1234:5679:aaaa:bbbb:cccc:1fff",
	)
	knowIPv6(cfg, "2001:db8:1234:5679:1111:2222:3333:4444")
	return cfg
}

// hostile has names no validation lets through, and more of everything than a picture has room for.
func hostile() *api.Config {
	name := `<script>"&'` + "\x00\xff\u202e" + `]]> ` + fmt.Sprint(powerOfTwo(200)) + ` 클러스터`
	cfg := documented(name)
	cfg.Pools = cfg.Pools[:1]
	for i := range 30 {
		cfg.Pools = append(cfg.Pools, pool(fmt.Sprintf("%s-%d", name, i), api.RoleWorker, fmt.Sprintf("10.2.%d.%d", i+1, 3*i), 4))
		cfg.LoadBalancer.Pools = append(cfg.LoadBalancer.Pools, api.AddressPool{Name: name, Addresses: []netipx.IPRange{
			netipx.MustParseIPRange(fmt.Sprintf("10.2.%d.200-10.2.%d.210", i+1, i+1)),
		}})
	}
	for i := range 20 {
		cfg.CIDRConfigs = append(cfg.CIDRConfigs, matching(cidrConfig(fmt.Sprintf("%s-%d", name, i),
			fmt.Sprintf("192.168.%d.0/24", 8*i), 26, fmt.Sprintf("fd12::1:%x00/120", 8*i), 122), api.LabelNodePool, cfg.Pools[i+1].Name))
	}
	return cfg
}

// pool has nodes with consecutive addresses.
func pool(name string, role api.Role, first string, nodes int) api.Pool {
	p := api.Pool{Name: name, Role: role}
	for a := netip.MustParseAddr(first); len(p.Nodes) < nodes; a = a.Next() {
		p.Nodes = append(p.Nodes, api.Node{Address: a, K8sIP: a})
	}
	return p
}

func cidrConfig(name, v4 string, mask4 int, v6 string, mask6 int) api.CIDRConfig {
	return api.CIDRConfig{
		Name: name,
		IPv4: api.CIDRRange{CIDR: netip.MustParsePrefix(v4), PerNodeMaskSize: mask4},
		IPv6: api.CIDRRange{CIDR: netip.MustParsePrefix(v6), PerNodeMaskSize: mask6},
	}
}

func matching(c api.CIDRConfig, key, value string) api.CIDRConfig {
	c.MatchLabels = map[string]string{key: value}
	return c
}

// knowIPv6 assigns consecutive IPv6 addresses to all nodes.
func knowIPv6(cfg *api.Config, first string) {
	a := netip.MustParseAddr(first)
	for i := range cfg.Pools {
		for j := range cfg.Pools[i].Nodes {
			cfg.Pools[i].Nodes[j].IPv6 = a
			a = a.Next()
		}
	}
}

// planned allocates in the simplest way that gives believable plans: each node takes the next
// block of the most specific config, outside what is taken and outside more specific configs.
func planned(tb testing.TB, cfg *api.Config) fixture {
	tb.Helper()
	p := &planner{next: map[netip.Prefix]netip.Addr{}, used: map[netip.Prefix]int64{}}
	plan := &api.Plan{Cluster: api.PlanCluster{Name: cfg.Name, Namespace: cfg.Namespace}}
	for i := range cfg.Pools {
		for j := range cfg.Pools[i].Nodes {
			n := &cfg.Pools[i].Nodes[j]
			c := configFor(tb, cfg, cfg.NodeLabels(&cfg.Pools[i], n))
			node := api.PlanNode{Address: n.Address, Role: cfg.Pools[i].Role, Pool: cfg.Pools[i].Name, ClusterCIDRConfig: c.Name}
			node.PodCIDRs = []netip.Prefix{p.take(cfg, c.IPv4), p.take(cfg, c.IPv6)}
			plan.Nodes = append(plan.Nodes, node)
		}
	}
	for i := range cfg.CIDRConfigs {
		for _, r := range []api.CIDRRange{cfg.CIDRConfigs[i].IPv4, cfg.CIDRConfigs[i].IPv6} {
			blocks, used := powerOfTwo(uint(r.PerNodeMaskSize-r.CIDR.Bits())), big.NewInt(p.used[r.CIDR])
			free := new(big.Int).Sub(blocks, used)
			if free.Sign() < 0 {
				free.SetInt64(0)
			}
			plan.Ranges = append(plan.Ranges, api.PlanRange{
				ClusterCIDRConfig: cfg.CIDRConfigs[i].Name, Family: api.FamilyOf(r.CIDR.Addr()), CIDR: r.CIDR,
				PerNodeMaskSize: r.PerNodeMaskSize, Blocks: blocks, Allocated: used, Free: free,
			})
		}
	}
	return fixture{cfg, plan}
}

type planner struct {
	next map[netip.Prefix]netip.Addr
	used map[netip.Prefix]int64
}

func (p *planner) take(cfg *api.Config, r api.CIDRRange) netip.Prefix {
	a, ok := p.next[r.CIDR]
	if !ok {
		a = r.CIDR.Addr()
	}
	for moved := a.IsValid(); moved; {
		moved = false
		for i := range cfg.CIDRConfigs {
			for _, other := range []netip.Prefix{cfg.CIDRConfigs[i].IPv4.CIDR, cfg.CIDRConfigs[i].IPv6.CIDR} {
				if other.Bits() > r.CIDR.Bits() && other.Contains(a) {
					a, moved = netipx.PrefixLastIP(other).Next(), true
				}
			}
		}
	}
	if !a.IsValid() {
		return netip.Prefix{}
	}
	block := netip.PrefixFrom(a, r.PerNodeMaskSize).Masked()
	p.next[r.CIDR] = netipx.PrefixLastIP(block).Next()
	p.used[r.CIDR]++
	return block
}

func configFor(tb testing.TB, cfg *api.Config, labels map[string]string) *api.CIDRConfig {
	tb.Helper()
	var best *api.CIDRConfig
	for i := range cfg.CIDRConfigs {
		c, matches := &cfg.CIDRConfigs[i], true
		for key, value := range c.MatchLabels {
			matches = matches && labels[key] == value
		}
		if matches && (best == nil || len(c.MatchLabels) > len(best.MatchLabels)) {
			best = c
		}
	}
	if best == nil {
		tb.Fatalf("no ClusterCIDRConfig matches %v", labels)
	}
	return best
}
