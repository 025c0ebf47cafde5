package check

import (
	"fmt"
	"net/netip"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// scene is a cluster whose hosts pass all checks until a test changes something.
type scene struct {
	cluster Cluster
	hosts   []Host
}

// first returns the control plane node, the host of most cases.
func (s *scene) first() *Host { return &s.hosts[0] }

// newScene returns the cluster of examples/dual-stack.yaml.
func newScene() *scene {
	s := &scene{cluster: Cluster{
		Endpoint: netip.MustParseAddrPort("10.2.0.175:443"), APIServerPort: 6443,
		Pools: []netipx.IPRange{
			netipx.MustParseIPRange("10.2.0.212-10.2.0.221"), netipx.MustParseIPRange("fd12::4:101-fd12::4:110"),
		},
		PodRanges: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fd12::1:0/112")},
		Builtin:   true,
	}}
	for n := range 3 {
		host := newHost(n + 4)
		host.ControlPlane, host.Balancer, host.ServesLoadBalancers = n == 0, n == 0, n == 0
		s.hosts = append(s.hosts, host)
	}
	return s
}

// newHost returns a host whose addresses end in the given number.
func newHost(last int) Host {
	address := netip.AddrFrom4([4]byte{10, 2, byte(last >> 8), byte(last)})
	return Host{
		Node:  Node{Address: address, K8sIP: address, SSHPort: 22},
		Facts: newFacts(last, address),
	}
}

func newFacts(last int, address netip.Addr) facts.Host {
	disk := facts.Space{ID: "disk", Size: 100 * gibibyte, Available: 80 * gibibyte, Inodes: 1000, FreeInodes: 900}
	host := facts.Host{
		OS:     facts.OS{ID: "debian", Name: "Debian GNU/Linux 12 (bookworm)"},
		Kernel: "6.1.0-31-amd64", Architecture: "x86_64", CPUs: 4, Memory: 16 * gibibyte,
		Spaces:  map[string]facts.Space{"/": disk, "/var/lib/containerd": disk, "/var/lib/kubelet": disk, "/var/lib/etcd": disk},
		Systemd: true, Cgroup: facts.Cgroup{Version: 2, Controllers: []string{"cpuset", "cpu", "io", "memory", "pids"}},
		Features: map[string]facts.Presence{"overlay": facts.Yes, "nf_tables": facts.Yes, "nf_conntrack": facts.Yes, "veth": facts.Yes},
		Clock:    facts.Clock{Known: true, Synchronized: facts.Yes}, Nameservers: []string{"10.2.0.1"},
		Hostname: fmt.Sprintf("host-%d", last), MachineID: fmt.Sprintf("%032d", last), ProductUUID: fmt.Sprintf("%d", last),
		IPv6: true, Sysctls: map[string]string{"net/ipv6/conf/eth0/accept_ra": "0"},
		Units: map[string]facts.Unit{}, Present: map[string]bool{}, Programs: map[string]bool{},
		SELinux: "disabled",
		Routes: []facts.Route{
			{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Interface: "eth0", Gateway: true},
			{Prefix: netip.MustParsePrefix("::/0"), Interface: "eth0", Gateway: true},
		},
		Links: []facts.Link{{Name: "lo", MTU: 65536, Up: true, Loopback: true}, {
			Name: "eth0", MAC: fmt.Sprintf("02:00:00:00:%02x:%02x", last>>8, last&0xff), MTU: 1500, Up: true,
			Addresses: []facts.Address{
				{Prefix: netip.PrefixFrom(address, 24), Global: true},
				{Prefix: netip.MustParsePrefix(fmt.Sprintf("fd12::2:%x/108", last)), Global: true},
			},
		}},
	}
	for _, p := range programs() {
		host.Programs[p.Name] = true
	}
	return host
}

// eth0 returns the interface with the node's addresses.
func (h *Host) eth0() *facts.Link { return &h.Facts.Links[1] }

// setIPv6 replaces the IPv6 addresses of eth0.
func (h *Host) setIPv6(addresses ...facts.Address) {
	h.eth0().Addresses = append(h.eth0().Addresses[:1:1], addresses...)
}

// address6 returns a global IPv6 address.
func address6(prefix string) facts.Address {
	return facts.Address{Prefix: netip.MustParsePrefix(prefix), Global: true}
}

// join makes the host a node of the cluster.
func (s *scene) join(hosts ...int) {
	for _, i := range hosts {
		s.hosts[i].Facts.Membership = facts.Membership{
			Prepared: true, Server: "https://" + s.cluster.Endpoint.String(), CAHash: "sha256:aa",
			PreparedFor: s.cluster.Endpoint.String(),
		}
	}
}

func (h *Host) unit(name string, unit facts.Unit) { h.Facts.Units[name] = unit }

func (h *Host) listen(network, address string, port int, process string) {
	listener := facts.Listener{Network: network, Port: port, Process: process}
	if address != "*" {
		listener.Address = netip.MustParseAddr(address)
	}
	h.Facts.Listeners = append(h.Facts.Listeners, listener)
}

// firewalld makes firewalld run with the given value of IPv6_rpfilter.
func (h *Host) firewalld(rpfilter string, running bool) {
	h.unit("firewalld", facts.Unit{Active: true, Enabled: true})
	h.Facts.Firewalld = facts.Firewalld{
		DefaultZone: "public", Zones: map[string]string{"eth0": "internal"},
		RPFilter: rpfilter, RPFilterRunning: running,
	}
}

// reached sets the results of the host's network probes, given as pairs of an address and a result.
func (h *Host) reached(pairs ...string) {
	h.Network = &facts.Network{Reached: map[netip.Addr]facts.ProbeResult{}}
	for i := 0; i < len(pairs); i += 2 {
		h.Network.Reached[netip.MustParseAddr(pairs[i])] = facts.ProbeResult(pairs[i+1])
	}
}

// neighbours sets the answers to the host's probes for 27 unused addresses, given as pairs of an address and a hardware
// address.
func (h *Host) neighbours(pairs ...string) {
	h.Network = &facts.Network{Asked: 27, Neighbours: map[netip.Addr]string{}}
	for i := 0; i < len(pairs); i += 2 {
		h.Network.Neighbours[netip.MustParseAddr(pairs[i])] = pairs[i+1]
	}
}

// withoutBalancers leaves load balancing to the operator.
func (s *scene) withoutBalancers() {
	for i := range s.hosts {
		s.hosts[i].Balancer, s.hosts[i].ServesLoadBalancers = false, false
	}
}
