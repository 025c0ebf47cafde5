package check

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// neighbourChecks returns the checks that evaluate the network probes.
func neighbourChecks() []Check {
	return allIfReachable([]Check{
		{
			"node-to-node", "The host reaches the others at their node addresses in both families, with packets of full size.",
			"check the switches, VLANs and firewalls between the hosts, and compare: ping -M do -s SIZE ADDRESS", checkReach,
		},
		{
			"addresses-unused", "The control plane's VIP and the addresses of the pools are not in use.",
			"remove the address from the host that has it, or choose another one", checkUnused,
		},
		{
			"control-plane-vip", "In mode manual, the control plane's VIP accepts or refuses connections.",
			"set up the load balancer first: it forwards the VIP's port to the API servers' port", checkVIP,
		},
	})
}

// checkReach groups the probed addresses of other nodes by the outcome of their probes.
func checkReach(s *subject) verdict {
	if s.Network == nil || len(s.Network.Reached) == 0 {
		return doesNotApply()
	}
	byAnswer := map[facts.ProbeResult][]netip.Addr{}
	for address, answer := range s.Network.Reached {
		byAnswer[answer] = append(byAnswer[answer], address)
	}
	// The order of a map is random, and a report should not change between runs.
	for _, addresses := range byAnswer {
		slices.SortFunc(addresses, netip.Addr.Compare)
	}
	var findings []verdict
	if lost := byAnswer[facts.Filtered]; len(lost) > 0 {
		findings = append(findings, failed("it does not reach %s", formatList(lost)))
	}
	if small := byAnswer[facts.Small]; len(small) > 0 {
		findings = append(findings, warning("packets of %d bytes do not reach %s", s.node.MTU, formatList(small)).
			withHint("set an MTU that the network supports: ip link set %s mtu SIZE", s.node.Interface))
	}
	if untried := byAnswer[facts.Untried]; len(untried) > 0 {
		findings = append(findings, warning("it has neither ping nor bash to find out whether it reaches %s", formatList(untried)).
			withHint("%s", installHint(&s.Facts, "ping")))
	}
	return combine(passed("it reaches %d addresses of other nodes", len(s.Network.Reached)), findings)
}

// claim is an address that should be unused, with the host that has it.
type claim struct {
	address netip.Addr
	// who is the SSH address of a host of the cluster, or the hardware address of another machine.
	who string
	// stranger reports that the hardware address does not belong to any host that answered.
	stranger bool
}

// String describes the claim for a message.
func (c claim) String() string { return fmt.Sprintf("%s has %s", c.who, c.address) }

// checkUnused reports addresses in use by hosts that are not nodes of this cluster. Its nodes may have them: they
// answer for the VIP and for Services.
func checkUnused(s *subject) verdict {
	if !s.fleet.balances {
		return doesNotApply()
	}
	claims := slices.Concat(s.ownClaims(), s.neighboursClaims())
	switch {
	case len(claims) > 0:
		slices.SortFunc(claims, func(a, b claim) int { return cmp.Or(a.address.Compare(b.address), cmp.Compare(a.who, b.who)) })
		return s.fleet.contest(claims)
	case s.Network == nil || s.Network.Asked == 0:
		return passed("the host has neither the VIP nor an address of the pools")
	default:
		return passed("no machine outside the cluster answered for the %d probed addresses", s.Network.Asked)
	}
}

// contest returns the verdict about addresses that are in use. An unknown machine may be one of the hosts that did not
// answer (a host that is going down leaves the VIP behind in the neighbour tables of others), so that is a warning.
func (f *fleet) contest(claims []claim) verdict {
	absent := slices.ContainsFunc(f.subjects, func(s subject) bool { return s.Err != nil })
	if absent && !slices.ContainsFunc(claims, func(c claim) bool { return !c.stranger }) {
		return warning("%s, unless that is a host that did not answer", formatList(claims)).
			withHint("bring up the hosts that did not answer, and check again")
	}
	return failed("%s", formatList(claims))
}

// ownClaims returns the claims of the host itself: addresses on its own interfaces. A node of the cluster has none.
func (s *subject) ownClaims() []claim {
	var claims []claim
	if s.ownership == Ours { // it may serve them
		return nil
	}
	for _, link := range s.Facts.Links {
		for _, address := range link.Addresses {
			if s.fleet.cluster.reserves(address.Addr()) {
				claims = append(claims, claim{address: address.Addr(), who: "this host itself"})
			}
		}
	}
	return claims
}

// neighboursClaims returns the claims of other hosts, which answered the probes. An entry of the neighbour table for
// an address that the host has itself is stale: another host had the address before.
func (s *subject) neighboursClaims() []claim {
	var claims []claim
	if s.Network == nil {
		return nil
	}
	for address, mac := range s.Network.Neighbours {
		if s.has(address) {
			continue
		}
		if owners := s.fleet.byMAC[mac]; len(owners) == 0 || !areOurs(owners) {
			claims = append(claims, claim{address, nameOf(owners, mac), len(owners) == 0})
		}
	}
	return claims
}

// has reports whether one of the host's interfaces has the address.
func (s *subject) has(address netip.Addr) bool {
	return slices.ContainsFunc(s.Facts.Links, func(link facts.Link) bool {
		return slices.ContainsFunc(link.Addresses, func(own facts.Address) bool { return own.Addr() == address })
	})
}

// reserves reports whether an address is the control plane's VIP or in a pool.
func (c *Cluster) reserves(address netip.Addr) bool {
	if address == c.Endpoint.Addr() {
		return true
	}
	for _, pool := range c.Pools {
		if pool.Contains(address) {
			return true
		}
	}
	return false
}

// areOurs reports whether all of the hosts belong to the cluster. Several hosts may share a hardware address.
func areOurs(owners []*subject) bool {
	return !slices.ContainsFunc(owners, func(s *subject) bool { return s.ownership != Ours })
}

// nameOf returns the SSH address of the host with a hardware address, or the hardware address if no host has it.
func nameOf(owners []*subject, mac string) string {
	if len(owners) == 0 {
		return mac
	}
	return owners[0].Address.String()
}

// checkVIP passes if anything answers at the VIP of an external load balancer. Before the cluster is created there is
// no API server behind it, so a refused connection is as good as an accepted one.
func checkVIP(s *subject) verdict {
	endpoint := s.fleet.cluster.Endpoint
	if s.Network == nil || s.Network.Connected[endpoint] == "" {
		return doesNotApply()
	}
	switch answer := s.Network.Connected[endpoint]; answer {
	case facts.Open:
		return passed("%s accepts connections", endpoint)
	case facts.Refused:
		return passed("%s refuses connections, which is fine as long as there is no API server", endpoint)
	case facts.Untried:
		return warning("it has no bash to find out whether %s accepts connections", endpoint).
			withHint("%s", installHint(&s.Facts, "bash"))
	default:
		return failed("%s does not answer", endpoint)
	}
}
