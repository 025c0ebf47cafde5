package hostprep

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

func neighbourChecks() []Check {
	return allIfReachable([]Check{
		{
			"node-to-node", "The host reaches the others at their node addresses in both families, with packets of full size.",
			"look at the switches, VLANs and firewalls between the hosts, and compare: ping -M do -s SIZE ADDRESS", checkReach,
		},
		{
			"addresses-unused", "Nobody has the control plane's VIP or an address of the pools.",
			"take the address away from whoever has it, or choose another", checkUnused,
		},
		{
			"control-plane-vip", "In mode manual, the control plane's VIP takes connections or refuses them.",
			"set the load balancer up first: it passes the VIP's port on to the API servers' port", checkVIP,
		},
	})
}

func checkReach(s *subject) verdict {
	if s.Network == nil || len(s.Network.Reached) == 0 {
		return doesNotApply()
	}
	byAnswer := map[ProbeResult][]netip.Addr{}
	for address, answer := range s.Network.Reached {
		byAnswer[answer] = append(byAnswer[answer], address)
	}
	for _, addresses := range byAnswer {
		slices.SortFunc(addresses, netip.Addr.Compare)
	}
	var findings []verdict
	if lost := byAnswer[Filtered]; len(lost) > 0 {
		findings = append(findings, failed("it does not reach %s", formatList(lost)))
	}
	if small := byAnswer[Small]; len(small) > 0 {
		findings = append(findings, warning("packets of %d bytes do not reach %s", s.node.MTU, formatList(small)).
			withHint("set the MTU that the network carries: ip link set %s mtu SIZE", s.node.Interface))
	}
	if untried := byAnswer[Untried]; len(untried) > 0 {
		findings = append(findings, warning("it has neither ping nor bash to find out whether it reaches %s", formatList(untried)).
			withHint("%s install iputils-ping", s.Facts.packageManager()))
	}
	return combine(passed("it reaches %d addresses of other nodes", len(s.Network.Reached)), findings)
}

// claim is somebody who has an address that should be free.
type claim struct {
	address netip.Addr
	who     string
	// stranger says that it is none of the hosts that answered.
	stranger bool
}

// String says who has what.
func (c claim) String() string { return fmt.Sprintf("%s has %s", c.who, c.address) }

// checkUnused: what a node of this cluster has or answers for is what it should.
func checkUnused(s *subject) verdict {
	if !s.fleet.cluster.Bundled {
		return doesNotApply()
	}
	claims := slices.Concat(s.ownClaims(), s.neighboursClaims())
	switch {
	case len(claims) > 0:
		slices.SortFunc(claims, func(a, b claim) int { return cmp.Or(a.address.Compare(b.address), cmp.Compare(a.who, b.who)) })
		return s.fleet.contest(claims)
	case s.Network == nil || s.Network.Asked == 0:
		return passed("it has none of them itself")
	default:
		return passed("it asked for %d of them, and nobody else has any", s.Network.Asked)
	}
}

// contest is the verdict about addresses that somebody has. Who is not known may be one of the hosts that did
// not answer: a host that is going down, say, has left the VIP behind in the tables of others.
func (f *fleet) contest(claims []claim) verdict {
	absent := slices.ContainsFunc(f.subjects, func(s subject) bool { return s.Err != nil })
	if absent && !slices.ContainsFunc(claims, func(c claim) bool { return !c.stranger }) {
		return warning("%s, unless that is a host that did not answer", formatList(claims)).
			withHint("bring the hosts up that did not answer, and look again")
	}
	return failed("%s", formatList(claims))
}

// ownClaims are the addresses that the host itself has on one of its interfaces.
func (s *subject) ownClaims() []claim {
	var claims []claim
	if s.belongs == Ours {
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

// neighboursClaims are the addresses that others answered for. What the host remembers of an address that it
// has itself by now is from before.
func (s *subject) neighboursClaims() []claim {
	var claims []claim
	if s.Network == nil {
		return nil
	}
	for address, mac := range s.Network.Neighbours {
		if s.has(address) {
			continue
		}
		if owners := s.fleet.byMAC[mac]; len(owners) == 0 || !allOurs(owners) {
			claims = append(claims, claim{address, nameOf(owners, mac), len(owners) == 0})
		}
	}
	return claims
}

// has reports whether an address is on one of the host's interfaces.
func (s *subject) has(address netip.Addr) bool {
	return slices.ContainsFunc(s.Facts.Links, func(link Link) bool {
		return slices.ContainsFunc(link.Addresses, func(own Address) bool { return own.Addr() == address })
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

func allOurs(owners []*subject) bool {
	return !slices.ContainsFunc(owners, func(s *subject) bool { return s.belongs != Ours })
}

// nameOf names a host by its hardware address.
func nameOf(owners []*subject, mac string) string {
	if len(owners) == 0 {
		return mac
	}
	return owners[0].Address.String()
}

func checkVIP(s *subject) verdict {
	endpoint := s.fleet.cluster.Endpoint
	if s.Network == nil || s.Network.Connected[endpoint] == "" {
		return doesNotApply()
	}
	switch answer := s.Network.Connected[endpoint]; answer {
	case Open:
		return passed("%s takes connections", endpoint)
	case Refused:
		return passed("%s refuses connections, which is fine as long as there is no API server", endpoint)
	case Untried:
		return warning("it has no bash to find out whether %s takes connections", endpoint).
			withHint("%s install bash", s.Facts.packageManager())
	default:
		return failed("nothing comes back from %s", endpoint)
	}
}
