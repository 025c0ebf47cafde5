package api

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhoBalances(t *testing.T) {
	t.Parallel()
	const cp, lb, worker = RoleControlPlane, RoleLoadBalancer, RoleWorker
	tests := []struct {
		name                        string
		bundled, pool, controlPlane bool
		vip, services               []Role
	}{
		{"manual", false, false, false, nil, nil},
		{"manual, with options left over", false, true, true, nil, nil},
		{"control plane by default", true, false, false, []Role{cp}, []Role{cp}},
		{"pool", true, true, false, []Role{lb}, []Role{lb}},
		{"pool for Services only", true, true, true, []Role{cp}, []Role{lb}},
		{"no pool to be apart from", true, false, true, []Role{cp}, []Role{cp}},
	}
	for _, tt := range tests {
		config := &Config{Pools: []Pool{{Role: cp}, {Role: worker}}}
		config.LoadBalancer = LoadBalancer{
			ControlPlane: ControlPlaneExternal, Services: ServicesExternal, ControlPlaneOnControlPlane: tt.controlPlane,
		}
		if tt.bundled {
			config.LoadBalancer.ControlPlane, config.LoadBalancer.Services = ControlPlaneKeepalived, ServicesLayer2
		}
		if tt.pool {
			config.Pools = append(config.Pools, Pool{Role: lb})
		}
		var vip, services []Role
		for _, role := range []Role{cp, lb, worker} {
			if config.BalancesControlPlane(role) {
				vip = append(vip, role)
			}
			if config.BalancesServices(role) {
				services = append(services, role)
			}
		}
		if diff := cmp.Diff([][]Role{tt.vip, tt.services}, [][]Role{vip, services}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestPodRanges(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"", "[]"},
		{"192.168.0.0/16", "[192.168.0.0/16]"},
		{"192.168.1.0/24 192.168.0.0/16 192.168.2.0/24", "[192.168.0.0/16]"},
		{"192.168.1.0/24 192.168.0.0/24", "[192.168.1.0/24 192.168.0.0/24]"},
		{"192.168.1.0/24 192.168.1.0/24", "[192.168.1.0/24]"},
	}
	for _, tt := range tests {
		config := &Config{}
		for _, word := range strings.Fields(tt.in) {
			config.CIDRConfigs = append(config.CIDRConfigs, CIDRConfig{IPv4: CIDRRange{CIDR: netip.MustParsePrefix(word)}})
		}
		if got := fmt.Sprint(config.PodRanges(IPv4)); got != tt.want {
			t.Errorf("PodRanges of %s = %s, want %s", tt.in, got, tt.want)
		}
	}
}
