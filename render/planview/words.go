package planview

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/api"
)

// selector writes what nodes a ClusterCIDRConfig is for, labels in alphabetical order.
func selector(matchLabels map[string]string) string {
	if len(matchLabels) == 0 {
		return "every node"
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(matchLabels)) {
		pairs = append(pairs, key+"="+matchLabels[key])
	}
	return strings.Join(pairs, ",")
}

// selectors returns the selector of every ClusterCIDRConfig by name. There may be one for each node.
func selectors(cfg *api.Config) map[string]string {
	byName := make(map[string]string, len(cfg.CIDRConfigs))
	for i := range cfg.CIDRConfigs {
		byName[cfg.CIDRConfigs[i].Name] = selector(cfg.CIDRConfigs[i].MatchLabels)
	}
	return byName
}

// roleCounts writes how many nodes there are of each role, as in "1 control plane, 2 workers".
func roleCounts(plan *api.Plan) string {
	counts := map[api.Role]int{}
	for i := range plan.Nodes {
		counts[plan.Nodes[i].Role]++
	}
	var parts []string
	for _, role := range []api.Role{api.RoleControlPlane, api.RoleLoadBalancer, api.RoleWorker} {
		switch n := counts[role]; {
		case n == 0:
		case role == api.RoleControlPlane:
			parts = append(parts, number(n)+" control plane")
		case role == api.RoleLoadBalancer:
			parts = append(parts, plural(n, "load balancer"))
		default:
			parts = append(parts, plural(n, "worker"))
		}
	}
	return strings.Join(parts, ", ")
}

// modes writes how pods of each family are reached.
func modes(cfg *api.Config) string {
	if cfg.Network.FlatIPv4 {
		return "IPv4 and IPv6 flat"
	}
	return "IPv4 island, IPv6 flat"
}

// mask writes a block's prefix length.
func mask(bits int) string { return fmt.Sprintf("/%d", bits) }

// address is the one Kubernetes knows a node by.
func address(n *api.PlanNode) netip.Addr {
	if n.K8sIP.IsValid() {
		return n.K8sIP
	}
	return n.Address
}

// block is a node's block of a family; invalid when the plan gives it none.
func block(n *api.PlanNode, family api.Family) netip.Prefix {
	for _, cidr := range n.PodCIDRs {
		if cidr.IsValid() && api.FamilyOf(cidr.Addr()) == family {
			return cidr
		}
	}
	return netip.Prefix{}
}
