package render

import (
	"fmt"
	"net/netip"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/internal/family"
)

// host is one node, with its configuration, its plan and its facts in one place.
type host struct {
	pool    *api.Pool
	node    *api.Node
	planned *api.PlanNode
	// facts is the zero value when the host was not probed.
	facts  HostFacts
	probed bool
}

// resolveHosts joins the configuration, the plan and the facts into one list, in the plan's order. It returns an error
// if the plan does not list the nodes of the configuration in the same order: node i of one would be rendered with the
// pod ranges of another.
func resolveHosts(in Input) ([]host, error) {
	if in.Config == nil || in.Plan == nil {
		return nil, fmt.Errorf("cannot render hosts: neither configuration nor plan may be missing")
	}
	hosts := make([]host, 0, len(in.Plan.Nodes))
	for i := range in.Config.Pools {
		pool := &in.Config.Pools[i]
		for j := range pool.Nodes {
			node := &pool.Nodes[j]
			at := len(hosts)
			if at >= len(in.Plan.Nodes) || in.Plan.Nodes[at].Address != node.Address {
				return nil, fmt.Errorf("cannot render host %s: it is not node %d of the plan", node.Address, at)
			}
			h := host{pool: pool, node: node, planned: &in.Plan.Nodes[at]}
			h.facts, h.probed = in.Discovered.Hosts[node.Address]
			if err := h.validate(); err != nil {
				return nil, fmt.Errorf("cannot render host %s: %w", node.Address, err)
			}
			hosts = append(hosts, h)
		}
	}
	if len(hosts) < len(in.Plan.Nodes) {
		return nil, fmt.Errorf("cannot render host %s: it is in the plan, but not in the configuration", in.Plan.Nodes[len(hosts)].Address)
	}
	return hosts, nil
}

// validate checks the values that reach files without quotes, and that the plan has one block of each family.
func (h *host) validate() error {
	blocks := h.planned.PodCIDRs
	if len(blocks) != 2 || !blocks[0].Addr().Is4() || !blocks[1].Addr().Is6() {
		return fmt.Errorf("cannot use the pod ranges %s: they are not an IPv4 and an IPv6 range", blocks)
	}
	if err := validateInterface(h.node.Interface); err != nil {
		return err
	}
	return h.facts.validate()
}

// nodeName returns the name of the host's Node object, or a placeholder.
func (h *host) nodeName() string { return orProbe(h.facts.NodeName) }

// ipv6 returns the node's IPv6 address, or a placeholder. The manifests win over the facts.
func (h *host) ipv6() string {
	if h.node.IPv6.IsValid() {
		return h.node.IPv6.String()
	}
	if h.facts.IPv6.IsValid() {
		return h.facts.IPv6.String()
	}
	return KnownAfterProbe
}

// interfaceName returns the name of the interface that holds the node's addresses, or a placeholder. The manifests win
// over the facts.
func (h *host) interfaceName() string {
	if h.node.Interface != "" {
		return h.node.Interface
	}
	return orProbe(h.facts.Interface)
}

// address returns the node's address of one family.
func (h *host) address(family api.Family) string {
	if family == api.IPv6 {
		return h.ipv6()
	}
	return h.node.K8sIP.String()
}

// podCIDRs returns the blocks that the plan assigns to the node. validate has checked that there are two.
func (h *host) podCIDRs() family.Pair[netip.Prefix] {
	return family.Pair[netip.Prefix](h.planned.PodCIDRs)
}

// isControlPlane reports whether the node runs an API server.
func (h *host) isControlPlane() bool { return h.pool.Role == api.RoleControlPlane }

// orProbe returns the value, or the placeholder of facts if it is empty.
func orProbe(value string) string {
	if value == "" {
		return KnownAfterProbe
	}
	return value
}

// orInit returns the value, or the placeholder of secrets and hashes if it is empty.
func orInit(value string) string {
	if value == "" {
		return KnownAfterInit
	}
	return value
}
