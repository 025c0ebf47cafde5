package render

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
)

func TestSNATExempt(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, nodes, pods, want string }{
		{"in a row", "10.2.0.4 10.2.0.5", "192.168.0.0/24 192.168.1.0/24", "10.2.0.4/31, 192.168.0.0/23"},
		{"one node", "10.2.0.4", "192.168.0.0/24", "10.2.0.4, 192.168.0.0/24"},
		{"apart", "10.2.0.9 10.2.0.4", "192.168.2.0/24 192.168.0.0/24", "10.2.0.4, 10.2.0.9, 192.168.0.0/24, 192.168.2.0/24"},
		{"node inside of the pods", "10.2.0.4", "10.2.0.0/24", "10.2.0.0/24"},
		{"node beside the pods", "10.2.0.255", "10.2.1.0/24", "10.2.0.255-10.2.1.255"},
	}
	for _, tt := range tests {
		var hosts []host
		pods := strings.Fields(tt.pods)
		for i, word := range strings.Fields(tt.nodes) {
			hosts = append(hosts, host{
				node:    &api.Node{K8sIP: netip.MustParseAddr(word)},
				planned: &api.PlanNode{PodCIDRs: []netip.Prefix{netip.MustParsePrefix(pods[i]), {}}},
			})
		}
		got, err := snatExempt(hosts)
		if err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestAgentFilesOfEachMode(t *testing.T) {
	t.Parallel()
	tests := []struct{ scenario, want string }{
		{"one-control-plane/known", "agent/10-dualstrap.conflist agent/nftables.nft"},
		{"flat-ipv4/known", "agent/10-dualstrap.conflist agent/nftables.nft"},
		{"manual-load-balancer/known", ""},
	}
	for _, tt := range tests {
		var got []string
		for _, file := range filesOf(t, scenarioInput(t, tt.scenario)) {
			if file.Host == "10.2.0.5" && strings.HasPrefix(file.Path, "agent/") {
				got = append(got, file.Path)
			}
		}
		if joined := strings.Join(got, " "); joined != tt.want {
			t.Errorf("%s: files are %q, want %q", tt.scenario, joined, tt.want)
		}
	}
}

// TestPodsWaitForTheAgentAfterAReboot checks that the CNI configuration is removed at boot where the agent writes it.
func TestPodsWaitForTheAgentAfterAReboot(t *testing.T) {
	t.Parallel()
	for scenario, want := range map[string]string{
		"one-control-plane/known": "r! /etc/cni/net.d/10-dualstrap.conflist\n", "manual-load-balancer/known": "",
	} {
		got := ""
		for _, file := range filesOf(t, scenarioInput(t, scenario)) {
			if file.Host == "10.2.0.5" && file.Path == "/etc/tmpfiles.d/dualstrap.conf" {
				got = string(file.Content)
			}
		}
		if !strings.HasSuffix(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: the file is %q, want %q at its end", scenario, got, want)
		}
	}
}
