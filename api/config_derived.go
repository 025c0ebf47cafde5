package api

import (
	"net/netip"
	"slices"
)

// BalancesServices reports whether nodes of the role announce the addresses of Services of type LoadBalancer.
func (c *Config) BalancesServices(role Role) bool {
	return c.LoadBalancer.Services != ServicesExternal && role == c.balancerRole()
}

// BalancesControlPlane reports whether nodes of the role may hold the control plane's VIP.
func (c *Config) BalancesControlPlane(role Role) bool {
	if c.LoadBalancer.ControlPlane == ControlPlaneExternal {
		return false
	}
	return role == c.balancerRole() && !c.LoadBalancer.ControlPlaneOnControlPlane ||
		role == RoleControlPlane && c.LoadBalancer.ControlPlaneOnControlPlane
}

// balancerRole returns the role of the nodes that load balancers run on: that of the load balancer's pool if there is one,
// and the control plane otherwise.
func (c *Config) balancerRole() Role {
	if slices.ContainsFunc(c.Pools, func(pool Pool) bool { return pool.Role == RoleLoadBalancer }) {
		return RoleLoadBalancer
	}
	return RoleControlPlane
}

// PodRanges returns the ranges of one family that contain the pods of all nodes. No range is inside another one, so
// that firewalls need only one entry for each.
func (c *Config) PodRanges(family Family) []netip.Prefix {
	var candidates []netip.Prefix
	if family == IPv4 && c.Network.Pods.IsValid() {
		candidates = append(candidates, c.Network.Pods)
	}
	for i := range c.CIDRConfigs {
		if family == IPv4 {
			candidates = append(candidates, c.CIDRConfigs[i].IPv4.CIDR)
		} else {
			candidates = append(candidates, c.CIDRConfigs[i].IPv6.CIDR)
		}
	}
	return dropCovered(candidates)
}

// dropCovered returns the ranges that no other one covers, in their order. Of equal ranges it keeps the first.
func dropCovered(candidates []netip.Prefix) []netip.Prefix {
	var kept []netip.Prefix
	for i, candidate := range candidates {
		covered := false
		for j, other := range candidates {
			larger := other.Bits() < candidate.Bits() || other.Bits() == candidate.Bits() && j < i
			covered = covered || larger && other.Overlaps(candidate)
		}
		if !covered {
			kept = append(kept, candidate)
		}
	}
	return kept
}
