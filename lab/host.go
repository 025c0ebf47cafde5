package lab

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Role is the purpose of a host in the cluster.
type Role string

// Roles of hosts. `lab status` prints them.
const (
	ControlPlane Role = "control-plane"
	Worker       Role = "worker"
	LoadBalancer Role = "load-balancer"
	// Client is a host on the same L2 that is not a node. It tests access from outside the cluster.
	Client Role = "client"
)

// OS is the operating system that a host presents itself as: the ID of /etc/os-release.
type OS string

// Operating systems. All hosts run Debian; some of them only look like RHEL to programs that check.
const (
	Debian OS = "debian"
	RHEL   OS = "rhel"
)

// Host is one host of a lab.
type Host struct {
	// Name is the host name. The client's is the same in every lab.
	Name string
	// ID identifies the host within its lab: cp-1, worker-2, lb-1, client.
	ID   string
	Role Role
	// IPv4, IPv6 and MAC are the static addresses of eth0.
	IPv4 netip.Addr
	IPv6 netip.Addr
	MAC  string
	OS   OS
}

// Ranges of the segment, and this machine's addresses in them, which are the hosts' gateways. They are those of
// examples/dual-stack.yaml. No host has an address within its VIP 10.2.0.175, its pools 10.2.0.212-221 and fd12::4:101-110,
// or the ranges of pods and Services.
const (
	ipv4Prefix  = "10.2.0."
	ipv4Length  = 24
	ipv6Length  = 108
	ipv4Gateway = "10.2.0.1"
	ipv6Gateway = "fd12::3:ffff"
	clientIPv4  = "10.2.0.100"
	clientIPv6  = "fd12::3:1"
)

// Segment returns this machine's addresses on the L2, with the prefix lengths of the ranges.
func Segment() []netip.Prefix {
	return []netip.Prefix{
		netip.PrefixFrom(netip.MustParseAddr(ipv4Gateway), ipv4Length),
		netip.PrefixFrom(netip.MustParseAddr(ipv6Gateway), ipv6Length),
	}
}

// newHost returns the nth host of a role, counted from 1.
func newHost(lab string, role Role, n int) Host {
	id := string(Client)
	name := id
	if role != Client {
		id = shortRole(role) + "-" + strconv.Itoa(n)
		name = lab + "-" + id
	}
	ipv4, ipv6 := addresses(role, n)
	return Host{Name: name, ID: id, Role: role, IPv4: ipv4, IPv6: ipv6, MAC: mac(lab, id), OS: Debian}
}

// shortRole returns the role's part of a host's ID.
func shortRole(role Role) string {
	switch role {
	case ControlPlane:
		return "cp"
	case LoadBalancer:
		return "lb"
	default:
		return "worker"
	}
}

// addresses returns the addresses of the nth host of a role. Their last numbers never overlap between roles: 4 for the first
// control plane, 5 to 99 for workers, 100 for the client, 102 to 109 for other control planes, and 111 to 119 for load
// balancers. The IPv6 address ends in the same digits as the IPv4 address.
func addresses(role Role, n int) (netip.Addr, netip.Addr) {
	last := 4
	switch {
	case role == Client:
		return netip.MustParseAddr(clientIPv4), netip.MustParseAddr(clientIPv6)
	case role == Worker:
		last = 4 + n
	case role == LoadBalancer:
		last = 110 + n
	case n > 1:
		last = 100 + n
	}
	digits := strconv.Itoa(last)
	return netip.MustParseAddr(ipv4Prefix + digits), netip.MustParseAddr("fd12::2:" + digits)
}

// mac returns a locally administered MAC address that depends on the names of the lab and the host alone.
func mac(lab, id string) string {
	sum := sha256.Sum256([]byte(lab + "/" + id))
	// 02 marks the address as locally administered and unicast.
	return fmt.Sprintf("02:d5:%02x:%02x:%02x:%02x", sum[0], sum[1], sum[2], sum[3])
}

// hostByID returns the host that an ID identifies, and whether this version has such a host. It maps containers to hosts.
func hostByID(lab, id string) (Host, bool) {
	if id == string(Client) {
		return newHost(lab, Client, 1), true
	}
	short, digits, _ := strings.Cut(id, "-")
	n, err := strconv.Atoi(digits)
	for role, most := range map[Role]int{ControlPlane: maxControlPlanes, LoadBalancer: maxLoadBalancers, Worker: maxWorkers} {
		if err == nil && n >= 1 && n <= most && shortRole(role) == short {
			host := newHost(lab, role, n)
			return host, host.ID == id // Atoi also accepts 01
		}
	}
	return Host{}, false
}
