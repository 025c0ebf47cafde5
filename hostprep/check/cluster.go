package check

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// Cluster describes the cluster that the hosts are for, as far as the checks are concerned.
type Cluster struct {
	// Endpoint is the control plane's VIP with the API server's port there.
	Endpoint netip.AddrPort
	// APIServerPort is the port that the API servers themselves listen on.
	APIServerPort int
	// CAHash pins the cluster's certificate authority, in the form sha256:HEX; empty if it is unknown.
	CAHash string

	// Pools lists the addresses for Services of type LoadBalancer.
	Pools []netipx.IPRange

	// PodRanges lists the pod ranges of all nodes, in both families.
	PodRanges []netip.Prefix
	// FlatIPv4 reports that pods are reachable by IPv4 without NAT, as they always are by IPv6.
	FlatIPv4 bool
	// Builtin reports that dualstrap's pod network is used; false if the user brings a third-party one.
	Builtin bool

	// AllowCgroupV1 accepts hosts with control groups of version 1.
	AllowCgroupV1 bool
	// Ignore names the checks whose failures do not stop the run.
	Ignore []string
}

// Node describes one host as the manifests define it.
type Node struct {
	// Address is the host's address for SSH.
	Address netip.Addr
	// K8sIP is the host's IPv4 address for Kubernetes.
	K8sIP netip.Addr
	// IPv6 and Interface override the choice that is made from the host's facts. Empty values leave that choice.
	IPv6      netip.Addr
	Interface string
	// OnLink6 lists the IPv6 ranges that the node has to reach without a gateway: those of pods, whose addresses are part of
	// the nodes' L2.
	OnLink6 []netip.Prefix
	// SSHPort is the port at which other hosts can find out whether this host is reachable.
	SSHPort int

	// ControlPlane reports that the host runs the API server and etcd.
	ControlPlane bool
	// Balancer reports that the host runs keepalived and HAProxy.
	Balancer bool
	// ServesLoadBalancers reports that the host answers for the addresses of Services of type LoadBalancer.
	ServesLoadBalancers bool
}

// Host is one host of a cluster with everything that is known about it.
type Host struct {
	Node
	// Err is the reason why the host could not be probed. If it is set, Facts and Network are zero.
	Err   error
	Facts facts.Host
	// NoForwarding is the reason why the host's SSH server refuses to forward connections; nil if it does forward them, or if
	// it was not asked. Only control plane hosts are, because their API servers are reached that way.
	NoForwarding error
	// Network holds the results of the network probes; nil before they have run.
	Network *facts.Network
}

// Ownership is the relation of a host to a cluster.
type Ownership string

// The values of an Ownership.
const (
	// Fresh is a host that is not a node and that dualstrap has not prepared.
	Fresh Ownership = "fresh"
	// Ours is a node of the cluster, or a host that dualstrap has started to prepare for it.
	Ours Ownership = "ours"
	// Foreign is a host of another cluster.
	Foreign Ownership = "foreign"
)

// OwnedBy returns the relation of the host to the cluster. A host is Ours only if everything that it records about its
// cluster matches: the API server, the cluster it was prepared for, and the certificate authority.
func (h *Host) OwnedBy(cluster *Cluster) Ownership {
	member := h.Facts.Membership
	endpoint := cluster.Endpoint.String()
	// The kubelet of a control plane node may use the API server on its own host.
	local := netip.AddrPortFrom(h.K8sIP, uint16(cluster.APIServerPort)).String()
	servers := []string{"", "https://" + endpoint, "https://" + local}
	switch {
	case member.Server == "" && !member.Prepared:
		return Fresh
	case !member.Prepared, !slices.Contains(servers, member.Server),
		member.PreparedFor != "" && member.PreparedFor != endpoint,
		member.CAHash != "" && cluster.CAHash != "" && member.CAHash != cluster.CAHash:
		return Foreign
	default:
		return Ours
	}
}
