package lab

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Role is what a host is to become.
type Role string

// The roles. Role is also what `lab status` prints.
const (
	ControlPlane Role = "control-plane"
	Worker       Role = "worker"
	LoadBalancer Role = "load-balancer"
	// Client is a machine on the same L2 that is no node.
	Client Role = "client"
)

// OS is the operating system that a host presents itself as, as in ID of /etc/os-release.
type OS string

// The systems that hosts present themselves as. Debian is what they are.
const (
	Debian OS = "debian"
	RHEL   OS = "rhel"
)

// Host is one host of a lab.
type Host struct {
	// Name is the host name.
	Name string
	// ID is the host's name within any lab: cp-1, worker-2, lb-1, client.
	ID   string
	Role Role
	IPv4 netip.Addr
	IPv6 netip.Addr
	MAC  string
	OS   OS
}

// The segment's ranges, and this machine's addresses in them, which hosts have as their gateways.
// They are those of examples/dual-stack.yaml, whose VIP 10.2.0.175, whose pools 10.2.0.212-221 and
// fd12::4:101-110 and whose pods and Services no host's address touches.
const (
	ipv4Prefix  = "10.2.0."
	ipv4Length  = 24
	ipv6Length  = 108
	ipv4Gateway = "10.2.0.1"
	ipv6Gateway = "fd12::3:ffff"
	clientIPv4  = "10.2.0.100"
	clientIPv6  = "fd12::3:1"
)

// Segment gives this machine's addresses on the L2, each with the length of its range.
func Segment() []netip.Prefix {
	return []netip.Prefix{
		netip.PrefixFrom(netip.MustParseAddr(ipv4Gateway), ipv4Length),
		netip.PrefixFrom(netip.MustParseAddr(ipv6Gateway), ipv6Length),
	}
}

// newHost gives the nth host of a role, from 1.
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

// addresses follow a scheme in which no role's hosts ever run into another's: the first control plane
// has 4, workers 5 to 99, the client 100, further control planes 102 to 109, load balancers 111 to
// 119. The IPv6 address ends in the same digits.
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

// mac is a locally administered address that stays the same as long as the host's name does.
func mac(lab, id string) string {
	sum := sha256.Sum256([]byte(lab + "/" + id))
	return fmt.Sprintf("02:d5:%02x:%02x:%02x:%02x", sum[0], sum[1], sum[2], sum[3])
}

// hostByID gives the host that an ID stands for. It is how what is found on the machine becomes a
// host again.
func hostByID(lab, id string) (Host, bool) {
	if id == string(Client) {
		return newHost(lab, Client, 1), true
	}
	short, digits, _ := strings.Cut(id, "-")
	n, err := strconv.Atoi(digits)
	for role, most := range map[Role]int{ControlPlane: maxControlPlanes, LoadBalancer: maxLoadBalancers, Worker: maxWorkers} {
		if err == nil && n >= 1 && n <= most && shortRole(role) == short {
			host := newHost(lab, role, n)
			return host, host.ID == id
		}
	}
	return Host{}, false
}
