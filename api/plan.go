package api

import (
	"math/big"
	"net/netip"
)

// Plan is the address plan: which node gets which blocks, and what is left of every range. Its
// JSON form is a contract with users: `plan -o json` prints it.
type Plan struct {
	Cluster PlanCluster `json:"cluster"`
	// Nodes are in file order: control plane, load balancer, NodePools.
	Nodes []PlanNode `json:"nodes"`
	// Ranges are in file order of their ClusterCIDRConfig, IPv4 before IPv6.
	Ranges []PlanRange `json:"ranges"`
}

// PlanCluster names the cluster of a Plan.
type PlanCluster struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// PlanNode is one node and its blocks.
type PlanNode struct {
	Address netip.Addr `json:"address"`
	// K8sIP is present when the node uses another address for Kubernetes than for SSH.
	K8sIP netip.Addr `json:"k8sIP,omitzero"`
	Role  Role       `json:"role"`
	Pool  string     `json:"pool"`
	// PodCIDRs holds the IPv4 block, then the IPv6 block.
	PodCIDRs          []netip.Prefix `json:"podCIDRs"`
	ClusterCIDRConfig string         `json:"clusterCIDRConfig"`
}

// PlanRange is one family of a ClusterCIDRConfig and its use. Blocks - Allocated is more than Free
// where nodes of other ClusterCIDRConfigs hold parts of the range.
type PlanRange struct {
	ClusterCIDRConfig string       `json:"clusterCIDRConfig"`
	Family            Family       `json:"family"`
	CIDR              netip.Prefix `json:"cidr"`
	PerNodeMaskSize   int          `json:"perNodeMaskSize"`
	// Blocks, Allocated and Free count node blocks; an IPv6 range can hold more than 2^64.
	Blocks    *big.Int `json:"blocks"`
	Allocated *big.Int `json:"allocated"`
	Free      *big.Int `json:"free"`
}

// Family is an IP family, written as Kubernetes does.
type Family string

// The IP families.
const (
	IPv4 Family = "IPv4"
	IPv6 Family = "IPv6"
)

// FamilyOf gives the family of an address. The address is not IPv4-mapped.
func FamilyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}
