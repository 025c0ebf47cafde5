package planview

import (
	"net/netip"
	"testing"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
)

func TestSelectors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		labels map[string]string
		want   string
	}{
		{nil, "every node"},
		{map[string]string{api.LabelNodePool: "workers"}, "baremetal.cluster.gke.io/node-pool=workers"},
		{map[string]string{"rack": "7", "disk": "nvme"}, "disk=nvme,rack=7"},
		{map[string]string{"empty": ""}, "empty="},
	}
	for _, tt := range tests {
		cfg := &api.Config{CIDRConfigs: []api.CIDRConfig{{Name: "one", MatchLabels: tt.labels}}}
		if got := selectors(cfg); len(got) != 1 || got["one"] != tt.want {
			t.Errorf("%v: %s, want %s", tt.labels, got, tt.want)
		}
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
		if got := blockOf(&api.PlanNode{PodCIDRs: tt.cidrs}, tt.family); got != tt.want {
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
		if got := addresses(netipx.IPRangeFrom(netip.MustParseAddr("fd12::"), netip.MustParseAddr(last))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
