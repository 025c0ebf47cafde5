package render

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

func TestHostsIsAPureFunction(t *testing.T) {
	t.Parallel()
	for _, s := range hostScenarios(t) {
		first, err := Hosts(s.in)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		second, err := Hosts(s.in)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if diff := cmp.Diff(string(hostsText(first)), string(hostsText(second))); diff != "" {
			t.Errorf("%s: two runs differ:\n%s", s.name, diff)
		}
	}
}

func TestHostsFollowsThePlan(t *testing.T) {
	t.Parallel()
	in := scenarioInput(t, "three-control-planes-with-load-balancers/offline")
	hosts, err := Hosts(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(hosts) != len(in.Plan.Nodes) {
		t.Fatalf("%d hosts for %d nodes", len(hosts), len(in.Plan.Nodes))
	}
	for i, host := range hosts {
		planned := in.Plan.Nodes[i]
		if host.Address != planned.Address || host.Role != planned.Role {
			t.Errorf("host %d is %s, %s; the plan has %s, %s", i, host.Address, host.Role, planned.Address, planned.Role)
		}
		for j, file := range host.Files {
			if file.Host != host.Address.String() {
				t.Errorf("%s belongs to host %s, not %s", file.Path, file.Host, host.Address)
			}
			if j > 0 && compareFiles(host.Files[j-1], file) >= 0 {
				t.Errorf("host %s: %s does not come after %s", host.Address, file.Path, host.Files[j-1].Path)
			}
		}
	}
}

func TestHostsErrors(t *testing.T) {
	t.Parallel()
	first := netip.MustParseAddr("10.2.0.4")
	facts := func(f HostFacts) func(*Input) {
		return func(in *Input) { in.Discovered.Hosts = map[netip.Addr]HostFacts{first: f} }
	}
	tests := []struct {
		name   string
		change func(*Input)
		want   string
	}{
		{"no configuration", func(in *Input) { in.Config = nil }, "neither configuration nor plan"},
		{"no plan", func(in *Input) { in.Plan = nil }, "neither configuration nor plan"},
		{"plan too short", func(in *Input) { in.Plan.Nodes = in.Plan.Nodes[:1] }, "10.2.0.5: it is not node 1 of the plan"},
		{"plan too long", func(in *Input) { in.Config.Pools = in.Config.Pools[:1] }, "10.2.0.5: it is in the plan, but not"},
		{"other order", func(in *Input) { slices.Reverse(in.Plan.Nodes) }, "10.2.0.4: it is not node 0"},
		{"one family", func(in *Input) { in.Plan.Nodes[0].PodCIDRs = in.Plan.Nodes[0].PodCIDRs[:1] }, "not an IPv4 and an IPv6 range"},
		{"node name", facts(HostFacts{NodeName: "Node_1"}), `cannot use node name "Node_1"`},
		{"IPv4 for IPv6", facts(HostFacts{IPv6: first}), "cannot use address 10.2.0.4"},
		{"zone", facts(HostFacts{IPv6: netip.MustParseAddr("fe80::1%eth0")}), "cannot use address fe80::1%eth0"},
		{"long interface", facts(HostFacts{Interface: "averylonginterface"}), "cannot use interface"},
		{"interface with a quote", facts(HostFacts{Interface: `eth0"`}), "cannot use interface"},
		{"interface with a line end", facts(HostFacts{Interface: "eth0\n}"}), "cannot use interface"},
		{"interface override", func(in *Input) { in.Config.Pools[0].Nodes[0].Interface = "eth0;reboot" }, "cannot use interface"},
		{"firewalld zone", facts(HostFacts{FirewalldZone: "public --panic-on"}), "cannot use firewalld zone"},
		{"MTU", facts(HostFacts{MTU: 1279}), "cannot use MTU 1279"},
		{"mirror that is a path", func(in *Input) {
			in.Config.RegistryMirrors = []api.RegistryMirror{{Endpoint: "https://m", Hosts: []string{"../../cron.d"}}}
		}, "it is a path and not a host"},
		{"mirror that is no URL", func(in *Input) {
			in.Config.RegistryMirrors = []api.RegistryMirror{{Endpoint: "https://[fd12"}}
		}, "cannot use registry mirror"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := scenarioInput(t, "one-control-plane/offline")
			tt.change(&in)
			_, err := Hosts(in)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestOverridesWinOverFacts(t *testing.T) {
	t.Parallel()
	node := api.Node{K8sIP: netip.MustParseAddr("10.2.0.4")}
	facts := HostFacts{NodeName: "node-4", IPv6: netip.MustParseAddr("fd12::2:4"), Interface: "eth0"}
	overridden := node
	overridden.IPv6, overridden.Interface = netip.MustParseAddr("fd12::2:44"), "bond0"
	tests := []struct {
		name                    string
		host                    host
		nodeName, ipv6, nicName string
	}{
		{"nothing known", host{node: &node}, KnownAfterProbe, KnownAfterProbe, KnownAfterProbe},
		{"facts", host{node: &node, facts: facts}, "node-4", "fd12::2:4", "eth0"},
		{"overrides", host{node: &overridden}, KnownAfterProbe, "fd12::2:44", "bond0"},
		{"both", host{node: &overridden, facts: facts}, "node-4", "fd12::2:44", "bond0"},
	}
	for _, tt := range tests {
		got := []string{tt.host.nodeName(), tt.host.ipv6(), tt.host.interfaceName()}
		if diff := cmp.Diff([]string{tt.nodeName, tt.ipv6, tt.nicName}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
