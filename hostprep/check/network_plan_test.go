package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// taskText formats the network probes of a fleet for comparison.
func taskText(tasks []facts.NetworkProbe) string {
	var text strings.Builder
	for _, task := range tasks {
		for _, peer := range task.Reach {
			fmt.Fprintf(&text, "reach %s from %s, MTU %d, port %d\n", peer.Address, peer.Source, peer.MTU, peer.Port)
		}
		for _, endpoint := range task.Connect {
			fmt.Fprintf(&text, "connect %s\n", endpoint)
		}
		if len(task.ExpectUnused) > 0 {
			fmt.Fprintf(&text, "unused on %s, short wait %t: %v\n", task.Interface, task.ShortWait, task.ExpectUnused)
		}
		text.WriteString("--\n")
	}
	return text.String()
}

func TestTasksBundled(t *testing.T) {
	t.Parallel()
	s := newScene()
	s.hosts[2].setIPv6()
	s.hosts[2].eth0().MTU = 1400
	tasks := PlanNetworkProbes(&s.cluster, s.hosts)
	var pool []string
	for last := 212; last <= 221; last++ {
		pool = append(pool, fmt.Sprintf("10.2.0.%d", last))
	}
	for last := 0x101; last <= 0x110; last++ {
		pool = append(pool, fmt.Sprintf("fd12::4:%x", last))
	}
	want := `reach 10.2.0.5 from 10.2.0.4, MTU 1500, port 22
reach fd12::2:5 from fd12::2:4, MTU 1500, port 22
reach 10.2.0.6 from 10.2.0.4, MTU 1400, port 22
unused on eth0, short wait false: [10.2.0.175 ` + strings.Join(pool, " ") + `]
--
reach 10.2.0.4 from 10.2.0.5, MTU 1500, port 22
reach fd12::2:4 from fd12::2:5, MTU 1500, port 22
reach 10.2.0.6 from 10.2.0.5, MTU 1400, port 22
--
reach 10.2.0.4 from 10.2.0.6, MTU 1400, port 22
reach 10.2.0.5 from 10.2.0.6, MTU 1400, port 22
--
`
	if got := taskText(tasks); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	// A node of the cluster has probed before, so it waits for a shorter time.
	s.join(0)
	s.hosts[0].Facts.Membership.Joined = true
	if got := taskText(PlanNetworkProbes(&s.cluster, s.hosts)); !strings.Contains(got, "unused on eth0, short wait true: [10.2.0.175 ") {
		t.Errorf("a node asks for as long as a host that is none:\n%s", got)
	}
}

func TestTasksManual(t *testing.T) {
	t.Parallel()
	s := newScene()
	s.withoutBalancers()
	s.hosts[1].Err = fmt.Errorf("nobody there")
	want := `reach 10.2.0.6 from 10.2.0.4, MTU 1500, port 22
reach fd12::2:6 from fd12::2:4, MTU 1500, port 22
connect 10.2.0.175:443
--
--
reach 10.2.0.4 from 10.2.0.6, MTU 1500, port 22
reach fd12::2:4 from fd12::2:6, MTU 1500, port 22
--
`
	if got := taskText(PlanNetworkProbes(&s.cluster, s.hosts)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// largeFleet returns a cluster of many hosts.
func largeFleet(hosts int) *scene {
	s := newScene()
	s.cluster.Pools = []netipx.IPRange{netipx.MustParseIPRange("10.2.100.0-10.2.103.255"), netipx.MustParseIPRange("fd12::8:0-fd12::f:ffff")}
	s.cluster.Endpoint = netip.MustParseAddrPort("10.2.200.1:443")
	s.hosts = nil
	for i := range hosts {
		host := newHost(i + 4)
		host.eth0().Addresses[0].Prefix = netip.PrefixFrom(host.K8sIP, 16)
		host.ControlPlane, host.Balancer, host.ServesLoadBalancers = i < 5, i < 5, i < 5
		s.hosts = append(s.hosts, host)
	}
	return s
}

// TestTasksAreBounded verifies that in a large fleet each host has few probes, and each is probed by several others.
func TestTasksAreBounded(t *testing.T) {
	t.Parallel()
	s := largeFleet(1000)
	triedBy := map[netip.Addr]int{}
	asked := map[netip.Addr]int{}
	for i, task := range PlanNetworkProbes(&s.cluster, s.hosts) {
		if len(task.Reach) > 2*(5+10) || len(task.ExpectUnused) > maxUnused {
			t.Errorf("host %d reaches out to %d addresses and asks for %d", i, len(task.Reach), len(task.ExpectUnused))
		}
		for _, peer := range task.Reach {
			triedBy[peer.Address]++
			if peer.Address == peer.Source {
				t.Errorf("host %d reaches out to itself", i)
			}
		}
		for _, address := range task.ExpectUnused {
			asked[address]++
		}
	}
	for _, host := range s.hosts {
		if triedBy[host.K8sIP] < 9 || triedBy[host.NodeFacts().IPv6.Addr()] < 9 {
			t.Errorf("%s is tried by %d hosts only", host.Address, triedBy[host.K8sIP])
		}
	}
	for address, want := range map[string]int{
		"10.2.200.1": maxAskers, "10.2.100.0": 1, "10.2.100.127": 1, "10.2.101.0": 0, "10.2.103.255": 1, "fd12::8:0": 1, "fd12::f:ffff": 1,
	} {
		if got := asked[netip.MustParseAddr(address)]; got != want {
			t.Errorf("%s is asked for by %d hosts, want %d", address, got, want)
		}
	}
}

func TestEndsOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"10.0.0.1-10.0.0.1": 1, "10.0.0.0-10.0.0.127": 128, "10.0.0.0-10.0.0.129": 130, "10.0.0.0-10.0.0.255": 144,
		"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": 144, "255.255.255.255-255.255.255.255": 1,
	} {
		pool := netipx.MustParseIPRange(text)
		addresses := endsOf(pool)
		slices.SortFunc(addresses, netip.Addr.Compare)
		if got := len(slices.Compact(addresses)); got != want || len(addresses) != want {
			t.Errorf("%s: %d addresses, want %d, each once", text, got, want)
		}
		if addresses[0] != pool.From() || addresses[len(addresses)-1] != pool.To() {
			t.Errorf("%s: from %s to %s", text, addresses[0], addresses[len(addresses)-1])
		}
	}
}

func BenchmarkEvaluate1000(b *testing.B) {
	s := largeFleet(1000)
	for b.Loop() {
		if report := Evaluate(&s.cluster, s.hosts); !report.OK {
			b.Fatal("a healthy fleet is not OK")
		}
	}
}

func BenchmarkPlanNetworkProbes1000(b *testing.B) {
	s := largeFleet(1000)
	for b.Loop() {
		PlanNetworkProbes(&s.cluster, s.hosts)
	}
}
