package hostprep

import (
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// Cluster is what the checks need to know of the cluster that the hosts are for.
type Cluster struct {
	// Endpoint is the control plane's VIP and the API server's port there.
	Endpoint netip.AddrPort
	// APIServerPort is the port that API servers themselves listen on.
	APIServerPort int
	// CAHash pins the cluster's certificate authority, in the form sha256:HEX; empty when it is unknown.
	CAHash string

	// Bundled is false when the operator runs load balancers of their own.
	Bundled bool
	// IngressVIP is invalid when there is none.
	IngressVIP netip.Addr
	// Pools are the addresses for Services of type LoadBalancer.
	Pools []netipx.IPRange

	// PodRanges are those of all nodes, of both families.
	PodRanges []netip.Prefix
	// FlatIPv4 says that IPv4 pods are reached without NAT, as IPv6 pods always are.
	FlatIPv4 bool
	// Builtin is false when the user brings their own pod network.
	Builtin bool

	AllowCgroupV1 bool
	// Ignore names the checks whose failures do not stop the run.
	Ignore []string
}

// Node is what the manifests say of one host.
type Node struct {
	// Address is the host's address for SSH.
	Address netip.Addr
	// K8sIP is the host's IPv4 address for Kubernetes.
	K8sIP netip.Addr
	// IPv6 and Interface win over what is found on the host; they are empty when the manifests leave it
	// to that.
	IPv6      netip.Addr
	Interface string
	// SSHPort is where others can tell that the host is there.
	SSHPort int

	ControlPlane bool
	// Balancer says that the host runs keepalived and HAProxy.
	Balancer bool
	// ServesLoadBalancers says that the host answers for Services of type LoadBalancer.
	ServesLoadBalancers bool
}

// Host is one host of a cluster and what is known of it.
type Host struct {
	Node
	// Err is why the host could not be asked; nothing else is known then.
	Err   error
	Facts Facts
	// Network is nil as long as the host has tried nothing.
	Network *NetworkFacts
}

// Ownership is what a host is to a cluster.
type Ownership string

// The values of a Belonging.
const (
	// Fresh is a host that is no node and that dualstrap has not worked on.
	Fresh Ownership = "fresh"
	// Ours is a node of this cluster, or a host that dualstrap was making one of.
	Ours Ownership = "ours"
	// Foreign is a host of another cluster.
	Foreign Ownership = "foreign"
)

// OwnedBy says what the host is to the cluster.
func (h *Host) OwnedBy(cluster *Cluster) Ownership {
	member := h.Facts.Membership
	endpoint := cluster.Endpoint.String()
	// The kubelet of a control plane node may go to the API server beside it.
	beside := netip.AddrPortFrom(h.K8sIP, uint16(cluster.APIServerPort)).String()
	servers := []string{"", "https://" + endpoint, "https://" + beside}
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
