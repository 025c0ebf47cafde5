package planview

import (
	"net/netip"
	"testing"

	"github.com/dualstrap/dualstrap/api"
)

func TestSelector(t *testing.T) {
	t.Parallel()
	tests := []struct {
		labels      map[string]string
		long, short string
	}{
		{nil, "every node", "every node"},
		{map[string]string{api.LabelNodePool: "workers"}, "baremetal.cluster.gke.io/node-pool=workers", "node-pool=workers"},
		{map[string]string{"rack": "7", "disk": "nvme"}, "disk=nvme,rack=7", "disk=nvme,rack=7"},
		{map[string]string{"empty": ""}, "empty=", "empty="},
	}
	for _, tt := range tests {
		if got := selector(tt.labels); got != tt.long {
			t.Errorf("%v: %s, want %s", tt.labels, got, tt.long)
		}
		if got := shortSelector(selector(tt.labels)); got != tt.short {
			t.Errorf("%v: %s, want %s", tt.labels, got, tt.short)
		}
	}
}

func TestSelectors(t *testing.T) {
	t.Parallel()
	cfg := &api.Config{CIDRConfigs: []api.CIDRConfig{{Name: "all"}, {Name: "some", MatchLabels: map[string]string{"b": "2", "a": "1"}}}}
	got := selectors(cfg)
	if len(got) != 2 || got["all"] != "every node" || got["some"] != "a=1,b=2" || got["no-such-config"] != "" {
		t.Errorf("selectors %q", got)
	}
}

func TestRoleCounts(t *testing.T) {
	t.Parallel()
	const cp, lb, w = api.RoleControlPlane, api.RoleLoadBalancer, api.RoleWorker
	tests := []struct {
		roles []api.Role
		want  string
	}{
		{nil, ""},
		{[]api.Role{cp}, "1 control plane"},
		{[]api.Role{w, cp, w}, "1 control plane, 2 workers"},
		{[]api.Role{cp, cp, cp, lb, w}, "3 control plane, 1 load balancer, 1 worker"},
	}
	for _, tt := range tests {
		plan := &api.Plan{}
		for _, role := range tt.roles {
			plan.Nodes = append(plan.Nodes, api.PlanNode{Role: role})
		}
		if got := roleCounts(plan); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.roles, got, tt.want)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	cfg := documented("a")
	if got := modes(cfg); got != "IPv4 island, IPv6 flat" {
		t.Error(got)
	}
	cfg.Network.FlatIPv4 = true
	if got := modes(cfg); got != "IPv4 and IPv6 flat" {
		t.Error(got)
	}
}

func TestAddressIsTheOneOfKubernetes(t *testing.T) {
	t.Parallel()
	ssh, k8s := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("10.2.0.4")
	if got := address(&api.PlanNode{Address: ssh}); got != ssh {
		t.Errorf("%s, want %s", got, ssh)
	}
	if got := address(&api.PlanNode{Address: ssh, K8sIP: k8s}); got != k8s {
		t.Errorf("%s, want %s", got, k8s)
	}
}

func TestBlockOfAFamily(t *testing.T) {
	t.Parallel()
	v4, v6 := netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("fd12::/120")
	tests := []struct {
		cidrs  []netip.Prefix
		family api.Family
		want   netip.Prefix
	}{
		{[]netip.Prefix{v4, v6}, api.IPv4, v4},
		{[]netip.Prefix{v4, v6}, api.IPv6, v6},
		{[]netip.Prefix{v6, v4}, api.IPv4, v4},
		{[]netip.Prefix{v4}, api.IPv6, netip.Prefix{}},
		{[]netip.Prefix{{}, v6}, api.IPv4, netip.Prefix{}},
		{nil, api.IPv4, netip.Prefix{}},
	}
	for _, tt := range tests {
		if got := block(&api.PlanNode{PodCIDRs: tt.cidrs}, tt.family); got != tt.want {
			t.Errorf("%v %s: %s, want %s", tt.cidrs, tt.family, got, tt.want)
		}
	}
}

func TestPlural(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 nodes", 1: "1 node", 2: "2 nodes", 5000: "5,000 nodes"} {
		if got := plural(n, "node"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for last, want := range map[string]string{"fd12::": "1 address", "fd12::1": "2 addresses", "fd12::ffff:ffff:ffff": "2⁴⁸ addresses"} {
		if got := addresses(netip.MustParseAddr("fd12::"), netip.MustParseAddr(last)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
