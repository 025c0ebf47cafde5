package render

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
)

func TestSNATExempt(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, pods, nodes, want string }{
		{"nodes in a row", "192.168.0.0/16", "10.2.0.4 10.2.0.5 10.2.0.6", "10.2.0.4-10.2.0.6, 192.168.0.0/16"},
		{"one node", "192.168.0.0/16", "10.2.0.4", "10.2.0.4, 192.168.0.0/16"},
		{"nodes apart", "192.168.0.0/16", "10.2.0.9 10.2.0.4", "10.2.0.4, 10.2.0.9, 192.168.0.0/16"},
		{"pools side by side", "192.168.0.0/24 192.168.1.0/24", "10.2.0.4", "10.2.0.4, 192.168.0.0/23"},
		{"node inside of a pool", "10.2.0.0/24", "10.2.0.4", "10.2.0.0/24"},
		{"node beside a pool", "10.2.1.0/24", "10.2.0.255", "10.2.0.255-10.2.1.255"},
	}
	for _, tt := range tests {
		var pods []netip.Prefix
		for _, word := range strings.Fields(tt.pods) {
			pods = append(pods, netip.MustParsePrefix(word))
		}
		var hosts []host
		for _, word := range strings.Fields(tt.nodes) {
			hosts = append(hosts, host{node: &api.Node{K8sIP: netip.MustParseAddr(word)}})
		}
		got, err := snatExempt(pods, hosts)
		if err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestAgentFilesOfEachMode(t *testing.T) {
	t.Parallel()
	tests := []struct{ scenario, want string }{
		{"one-control-plane/known", "agent/10-dualstrap.conflist agent/nftables.nft"},
		{"flat-ipv4/known", "agent/10-dualstrap.conflist"},
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
