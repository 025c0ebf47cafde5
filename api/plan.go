package api

import (
	"math/big"
	"net/netip"
)

// Plan is the address plan: the blocks of every node and the use of every range. Its JSON form is a contract with
// users: `plan -o json` prints it.
type Plan struct {
	Cluster PlanCluster `json:"cluster"`
	// Nodes is in file order: control plane, load balancer, NodePools.
	Nodes []PlanNode `json:"nodes"`
	// Ranges is in file order of the ClusterCIDRConfigs, IPv4 before IPv6.
	Ranges []PlanRange `json:"ranges"`
}

// PlanCluster identifies the cluster of a Plan.
type PlanCluster struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// PlanNode describes one node and its blocks.
type PlanNode struct {
	Address netip.Addr `json:"address"`
	// K8sIP is set only when the node uses another address in Kubernetes than for SSH.
	K8sIP netip.Addr `json:"k8sIP,omitzero"`
	Role  Role       `json:"role"`
	Pool  string     `json:"pool"`
	// PodCIDRs holds the IPv4 block, then the IPv6 block: the order matters in a Node's spec, where the first one is the
	// primary family.
	PodCIDRs          []netip.Prefix `json:"podCIDRs"`
	ClusterCIDRConfig string         `json:"clusterCIDRConfig"`
}

// PlanRange describes one family of a ClusterCIDRConfig and its use. Blocks - Allocated exceeds Free when nodes of
// other ClusterCIDRConfigs hold parts of the range.
type PlanRange struct {
	ClusterCIDRConfig string       `json:"clusterCIDRConfig"`
	Family            Family       `json:"family"`
	CIDR              netip.Prefix `json:"cidr"`
	PerNodeMaskSize   int          `json:"perNodeMaskSize"`
	// Blocks, Allocated and Free count node blocks. They are big integers because an IPv6 range can hold more than
	// 2^64.
	Blocks    *big.Int `json:"blocks"`
	Allocated *big.Int `json:"allocated"`
	Free      *big.Int `json:"free"`
}

// Family is an IP family, in the spelling of Kubernetes.
type Family string

// The IP families.
const (
	IPv4 Family = "IPv4"
	IPv6 Family = "IPv6"
)

// FamilyOf returns the family of an address. The address must not be IPv4-mapped, which would count as IPv6.
func FamilyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}
