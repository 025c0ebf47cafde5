package planview

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/dualstrap/dualstrap/api"
)

// selectors returns for which nodes every ClusterCIDRConfig is, by name: labels in alphabetical order.
func selectors(cfg *api.Config) map[string]string {
	byName := make(map[string]string, len(cfg.CIDRConfigs))
	for i := range cfg.CIDRConfigs {
		byName[cfg.CIDRConfigs[i].Name] = cmp.Or(labels.Set(cfg.CIDRConfigs[i].MatchLabels).String(), "every node")
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
		if n := counts[role]; n > 0 {
			part := plural(n, use(role, "worker"))
			if role == api.RoleControlPlane { // is one, however many nodes are part of it
				part = strings.TrimSuffix(part, "s")
			}
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

// use returns a description of the nodes of a pool.
func use(role api.Role, pool string) string {
	known := map[api.Role]string{api.RoleControlPlane: "control plane", api.RoleLoadBalancer: "load balancer"}
	return cmp.Or(known[role], pool)
}

// modes writes how pods of each family are reached.
func modes(cfg *api.Config) string {
	if cfg.Network.FlatIPv4 {
		return "IPv4 and IPv6 flat"
	}
	return "IPv4 island, IPv6 flat"
}

// blockOf is a node's block of a family; invalid when the plan gives it none.
func blockOf(n *api.PlanNode, family api.Family) netip.Prefix {
	i := slices.IndexFunc(n.PodCIDRs, func(p netip.Prefix) bool { return p.IsValid() && api.FamilyOf(p.Addr()) == family })
	if i < 0 {
		return netip.Prefix{}
	}
	return n.PodCIDRs[i]
}

// configNodes finds what the manifests say of a node by its address.
func configNodes(cfg *api.Config) map[netip.Addr]api.Node {
	nodes := map[netip.Addr]api.Node{}
	for i := range cfg.Pools {
		for _, n := range cfg.Pools[i].Nodes {
			nodes[n.Address] = n
		}
	}
	return nodes
}
