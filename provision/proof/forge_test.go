package proof

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// forgers returns a testbed of nodes with a pod each.
func forgers(count int) *testbed {
	s := &testbed{services: map[string]kube.Service{requireDualStack: {ClusterIPs: addresses("fd12::5:1 172.16.0.1")}}}
	all := []string{
		"10.2.0.4 fd12::2:4 192.168.0.2 fd12::1:2", "10.2.0.5 fd12::2:5 192.168.1.2 fd12::1:102", "10.2.0.6 fd12::2:6 192.168.2.2 fd12::1:202",
	}
	for _, words := range all[:count] {
		own := addresses(words)
		s.nodes = append(s.nodes, node{
			plan: &api.PlanNode{Address: own[0]}, host: &check.Host{},
			live: &kube.Node{Addresses: own[:2]}, pod: kube.Pod{Ready: true, Addresses: own[2:]},
		})
	}
	return s
}

func TestForgedPackets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		count int
		want  string
	}{
		{"two nodes", 2, "192.168.1.3 10.2.0.5 172.16.0.1 198.51.100.1 192.168.0.2 fd12::1:103 fd12::2:5 fd12::5:1 2001:db8::1 fd12::1:2"},
		{"three nodes", 3, "192.168.2.2 10.2.0.5 172.16.0.1 198.51.100.1 192.168.0.2 fd12::1:202 fd12::2:5 fd12::5:1 2001:db8::1 fd12::1:2"},
	} {
		s := forgers(tt.count)
		var got []string
		texts := map[string]bool{}
		packets := s.forgedPackets(&subject{node: &s.nodes[0], peer: &s.nodes[1]}, "about-")
		for _, packet := range packets {
			got = append(got, packet.from.String())
			texts[packet.text] = true
			if want := of(api.FamilyOf(packet.from), s.nodes[1].pod.Addresses); packet.to != netip.AddrPortFrom(want, podPort) {
				t.Errorf("%s: %s goes to %s", tt.name, packet.from, packet.to)
			}
		}
		if joined := strings.Join(got, " "); joined != tt.want || len(texts) != len(packets) || countOwn(packets) != 2 {
			t.Errorf("%s: %s with %d texts, want %s", tt.name, joined, len(texts), tt.want)
		}
	}
	s := forgers(2)
	s.client.v4, s.client.v6 = netip.MustParseAddr("10.2.0.100"), netip.MustParseAddr("fd12::3:1")
	packets := s.forgedPackets(&subject{node: &s.nodes[0], peer: &s.nodes[1]}, "")
	for _, client := range []netip.Addr{s.client.v4, s.client.v6} {
		if !slices.ContainsFunc(packets, func(l forgedPacket) bool { return l.from == client }) {
			t.Errorf("no packet has the client's address, %s: %v", client, packets)
		}
	}
}

func TestForgedPacketsArrived(t *testing.T) {
	t.Parallel()
	s := forgers(2)
	packets := s.forgedPackets(&subject{node: &s.nodes[0], peer: &s.nodes[1]}, "x-")
	for _, tt := range []struct{ name, heard, missing, arrived string }{
		{"as it should be", `"x-4" 192.168.0.2|"x-9" fd12::1:2`, "", ""},
		{"nothing arrives", "", "192.168.0.2 and fd12::1:2", ""},
		{"one family does not", `"x-4" 192.168.0.2`, "fd12::1:2", ""},
		{"a node is believed", `"x-1" 10.2.0.5|"x-4" 192.168.0.2|"x-9" fd12::1:2`, "", "another node, 10.2.0.5"},
		{"the node's translation does not make it true", `"x-3" 10.2.0.4|"x-4" 192.168.0.2|"x-9" fd12::1:2`, "", "the outside, 198.51.100.1"},
		{"who begins alike is another", `"x-44" 192.168.0.2|"x-9" fd12::1:2`, "192.168.0.2", ""},
	} {
		heard := strings.Split(tt.heard, "|")
		if got := notReceived(packets, heard); got != tt.missing {
			t.Errorf("%s: unheard is %q, want %q", tt.name, got, tt.missing)
		}
		if got := strings.Join(arrived(packets, heard), ";"); got != tt.arrived {
			t.Errorf("%s: arrived is %q, want %q", tt.name, got, tt.arrived)
		}
	}
}

// TestForgedPacketsInOneFamily checks that packets of one family do not stand for both.
func TestForgedPacketsInOneFamily(t *testing.T) {
	t.Parallel()
	for _, alone := range []int{0, 1} {
		s := forgers(2)
		s.nodes[alone].pod.Addresses = s.nodes[alone].pod.Addresses[:1]
		expect(t, "one address", requireForger(s, &subject{node: &s.nodes[0], peer: &s.nodes[1]}), Skipped, "do not both have an address")
	}
}

func TestCheckGrowth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                string
		before, after, want uint64
		message             string
	}{
		{"as many as forged", 5, 13, 8, ""},
		{"more than forged", 5, 99, 8, ""},
		{"fewer than forged", 5, 12, 8, "has dropped 7 packets of pods, and 8 had"},
		{"none", 5, 5, 8, "has dropped 0 packets"},
		{"counted from zero again", 100, 8, 8, "it has restarted"},
	} {
		err := checkGrowth(tt.before, tt.after, tt.want)
		if (err == nil) != (tt.message == "") || err != nil && !strings.Contains(err.Error(), tt.message) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.message)
		}
	}
}

func TestParseDrops(t *testing.T) {
	t.Parallel()
	const metrics = "# TYPE dualstrap_agent_dropped_packets_total counter\n" +
		"dualstrap_agent_dropped_packets_total{reason=\"outside-source\"} 3\n" +
		"dualstrap_agent_dropped_packets_total{reason=\"pod-source\"} 1.2e+06\n"
	if got, err := parseDrops(metrics); got != 1_200_000 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	if got, err := parseDrops("dualstrap_agent_failing{part=\"cni\"} 0\n"); err == nil {
		t.Errorf("an agent that does not count has counted %d", got)
	}
}
