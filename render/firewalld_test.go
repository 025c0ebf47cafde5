package render

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// firewalldOf returns the changes of one host.
func firewalldOf(tb testing.TB, in Input, address string) firewalld.Wanted {
	tb.Helper()
	hosts, err := Hosts(in)
	if err != nil {
		tb.Fatal(err)
	}
	for _, host := range hosts {
		if host.Address.String() == address {
			return host.Firewalld
		}
	}
	tb.Fatalf("no host %s", address)
	return firewalld.Wanted{}
}

func TestFirewalldPorts(t *testing.T) {
	t.Parallel()
	const every = "10250/tcp 10256/tcp 30000-32767/tcp 30000-32767/udp"
	const ha = "three-control-planes-with-load-balancers/known"
	apart := scenarioInput(t, ha)
	apart.Config.LoadBalancer.ControlPlaneOnControlPlane = true
	tests := []struct {
		name, host string
		in         Input
		ports      string
		peers      []string
	}{
		{"only control plane", "10.2.0.4", scenarioInput(t, "one-control-plane/known"), every + " 6443/tcp 7946/tcp 7946/udp 443/tcp", nil},
		{"worker", "10.2.0.5", scenarioInput(t, "one-control-plane/known"), every, nil},
		{"control plane of three", "10.2.0.4", scenarioInput(t, ha), every + " 6443/tcp 2379-2380/tcp", nil},
		{"load balancer", "10.2.0.7", scenarioInput(t, ha), every + " 7946/tcp 7946/udp 443/tcp", []string{"10.2.0.8"}},
		{"control plane with the VIP alone", "10.2.0.4", apart, every + " 6443/tcp 2379-2380/tcp 443/tcp", []string{"10.2.0.5", "10.2.0.6"}},
		{"load balancer of Services alone", "10.2.0.7", apart, every + " 7946/tcp 7946/udp", nil},
		{"VIP on the API server's port", "10.2.0.4", scenarioInput(t, "flat-ipv4/known"), every + " 6444/tcp 7946/tcp 7946/udp 6443/tcp", nil},
		{"manual", "10.2.0.4", scenarioInput(t, "manual-load-balancer/known"), every + " 6443/tcp", nil},
	}
	for _, tt := range tests {
		var ports, peers []string
		for _, change := range firewalldOf(t, tt.in, tt.host).Changes {
			switch {
			case change.Zone == podZoneName:
			case change.Kind == firewalld.AddPort:
				ports = append(ports, change.Value)
			case change.Kind == firewalld.AddRichRule:
				if !strings.Contains(change.Value, `protocol value="vrrp"`) {
					t.Errorf("%s: unexpected rule %s", tt.name, change.Value)
				}
				_, rest, _ := strings.Cut(change.Value, `source address="`)
				peer, _, _ := strings.Cut(rest, `"`)
				peers = append(peers, peer)
			}
		}
		if diff := cmp.Diff(strings.Fields(tt.ports), ports); diff != "" {
			t.Errorf("%s: ports (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(tt.peers, peers); diff != "" {
			t.Errorf("%s: VRRP peers (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestFirewalldPortsForPods checks that pods reach exactly the ports of nodes that they need.
func TestFirewalldPortsForPods(t *testing.T) {
	t.Parallel()
	const every = "10250/tcp 30000-32767/tcp 30000-32767/udp"
	const ha = "three-control-planes-with-load-balancers/known"
	asked := scenarioInput(t, ha)
	facts := asked.Discovered.Hosts[netip.MustParseAddr("10.2.0.4")]
	facts.Nameservers = []netip.Addr{netip.MustParseAddr("10.2.0.12"), netip.MustParseAddr("192.0.2.53")}
	asked.Discovered.Hosts[netip.MustParseAddr("10.2.0.4")] = facts
	all := scenarioInput(t, ha)
	all.Config.PodsReachAllOfNodes = true
	for _, tt := range []struct {
		name, host    string
		in            Input
		target, ports string
	}{
		{"only control plane", "10.2.0.4", scenarioInput(t, "one-control-plane/known"), "default", every + " 6443/tcp 443/tcp"},
		{"worker", "10.2.0.5", scenarioInput(t, "one-control-plane/known"), "default", every},
		{"control plane of three", "10.2.0.4", scenarioInput(t, ha), "default", every + " 6443/tcp"},
		{"load balancer", "10.2.0.7", scenarioInput(t, ha), "default", every + " 443/tcp"},
		{"a worker that is asked for names", "10.2.0.12", asked, "default", every + " 53/tcp 53/udp"},
		{"one that asks it", "10.2.0.4", asked, "default", every + " 6443/tcp"},
		{"all", "10.2.0.4", all, "ACCEPT", ""},
	} {
		var ports, targets []string
		for _, change := range firewalldOf(t, tt.in, tt.host).Changes {
			switch {
			case change.Zone != podZoneName:
			case change.Kind == firewalld.AddPort:
				ports = append(ports, change.Value)
			case change.Kind == firewalld.SetTarget:
				targets = append(targets, change.Value)
			}
		}
		if diff := cmp.Diff(strings.Fields(tt.ports), ports, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: ports (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff([]string{tt.target}, targets); diff != "" {
			t.Errorf("%s: targets (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestFirewalldPodZone(t *testing.T) {
	t.Parallel()
	var got [][]string
	for _, change := range firewalldOf(t, scenarioInput(t, "ranges-per-pool/known"), "10.2.0.5").Changes {
		if change.Kind != firewalld.AddPort {
			got = append(got, change.Args())
		}
	}
	want := [][]string{
		{"--permanent", "--new-zone=dualstrap-pods"},
		{"--permanent", "--zone=dualstrap-pods", "--set-target=default"},
		{"--permanent", "--zone=dualstrap-pods", "--add-source=192.168.0.0/16"},
		{"--permanent", "--zone=dualstrap-pods", "--add-source=fd12::1:0/112"},
		{"--permanent", "--zone=dualstrap-pods", "--add-source=fd12::6:4000/114"},
		{"--permanent", "--new-policy=dualstrap-to-pods"},
		{"--permanent", "--policy=dualstrap-to-pods", "--add-ingress-zone=ANY"},
		{"--permanent", "--policy=dualstrap-to-pods", "--add-egress-zone=dualstrap-pods"},
		{"--permanent", "--policy=dualstrap-to-pods", "--set-target=ACCEPT"},
		{"--permanent", "--new-policy=dualstrap-of-pods"},
		{"--permanent", "--policy=dualstrap-of-pods", "--add-ingress-zone=dualstrap-pods"},
		{"--permanent", "--policy=dualstrap-of-pods", "--add-egress-zone=ANY"},
		{"--permanent", "--policy=dualstrap-of-pods", "--set-target=ACCEPT"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestFirewalldZoneOfTheNode(t *testing.T) {
	t.Parallel()
	tests := []struct{ scenario, host, zone string }{
		{"one-control-plane/offline", "10.2.0.5", KnownAfterProbe},
		{"one-control-plane/known", "10.2.0.5", ""},
		{"one-control-plane/known", "10.2.0.6", "internal"},
	}
	for _, tt := range tests {
		for _, change := range firewalldOf(t, scenarioInput(t, tt.scenario), tt.host).Changes {
			if change.Kind == firewalld.AddPort && change.Zone != podZoneName && change.Zone != tt.zone {
				t.Errorf("%s, host %s: port %s is opened in zone %q, want %q", tt.scenario, tt.host, change.Value, change.Zone, tt.zone)
			}
		}
	}
}

// TestFirewalldFileHasReasons checks that a line with a reason is above every change that users read about.
func TestFirewalldFileHasReasons(t *testing.T) {
	t.Parallel()
	for _, s := range hostScenarios(t) {
		hosts, err := Hosts(s.in)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range hosts {
			lines := strings.Split(contentOf(t, host.Files, host.Address.String(), "firewalld.yaml"), "\n")
			explained := 0
			for i, line := range lines {
				if !strings.HasPrefix(line, `- ["firewall-cmd", "--permanent"`) {
					continue
				}
				if reason, found := strings.CutPrefix(lines[i-1], "# "); !found || reason == "" {
					t.Errorf("%s, host %s: %s is below %q, not a reason", s.name, host.Address, line, lines[i-1])
				}
				explained++
			}
			if want := len(host.Firewalld.Changes); explained != want {
				t.Errorf("%s, host %s: %d changes are shown, want %d", s.name, host.Address, explained, want)
			}
		}
	}
}

// TestFirewalldFileShowsTheData compares the file that users read with the changes that are made.
func TestFirewalldFileShowsTheData(t *testing.T) {
	t.Parallel()
	type setting struct{ File, Key, Value string }
	for _, s := range hostScenarios(t) {
		hosts, err := Hosts(s.in)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range hosts {
			var shown struct {
				Settings []setting  `json:"settings"`
				Commands [][]string `json:"commands"`
			}
			content := contentOf(t, host.Files, host.Address.String(), "firewalld.yaml")
			if err := yaml.UnmarshalStrict([]byte(content), &shown); err != nil {
				t.Fatal(err)
			}
			var want [][]string
			for _, change := range host.Firewalld.Changes {
				want = append(want, append([]string{"firewall-cmd"}, change.Args()...))
			}
			want = append(want, []string{"firewall-cmd", "--reload"})
			if diff := cmp.Diff(want, shown.Commands); diff != "" {
				t.Errorf("%s, host %s: commands (-data +file):\n%s", s.name, host.Address, diff)
			}
			wantSettings := []setting{{"/etc/firewalld/firewalld.conf", "IPv6_rpfilter", "no"}}
			if diff := cmp.Diff(wantSettings, shown.Settings); diff != "" {
				t.Errorf("%s, host %s: settings (-want +file):\n%s", s.name, host.Address, diff)
			}
		}
	}
}
