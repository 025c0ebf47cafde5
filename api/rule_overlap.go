package api

import (
	"fmt"
	"net/netip"

	"go4.org/netipx"
)

// overlapRules returns the rules about which addresses may be used, and that nothing uses the same ones.
func overlapRules() []rule {
	const (
		own    = "pods, Services, nodes, VIPs and address pools each need addresses of their own; choose another range"
		vip    = "choose an address that nothing else uses"
		client = "name a host on the nodes' network that is not part of the cluster"
	)
	return []rule{
		newRule("special-range", fromNetwork, "nothing takes addresses with a meaning of their own, like loopback or multicast", checkSpecial),
		disjoint("services-pods", "service ranges and pod ranges", own, func(s *spaces) (space, space) { return s.services, s.pods }),
		disjoint("pods-nodes", "pod ranges and nodes", own, func(s *spaces) (space, space) { return s.pods, s.nodes }),
		disjoint("services-nodes", "service ranges and nodes", own, func(s *spaces) (space, space) { return s.services, s.nodes }),
		disjoint("address-pools-pods", "address pools and pod ranges", own, func(s *spaces) (space, space) { return s.pools, s.pods }),
		disjoint("address-pools-services", "address pools and service ranges", own,
			func(s *spaces) (space, space) { return s.pools, s.services }),
		disjoint("address-pools-nodes", "address pools and nodes", own, func(s *spaces) (space, space) { return s.pools, s.nodes }),
		disjoint("vips-pods", "VIPs and pod ranges", vip, func(s *spaces) (space, space) { return s.vips, s.pods }),
		disjoint("vips-services", "VIPs and service ranges", vip, func(s *spaces) (space, space) { return s.vips, s.services }),
		disjoint("vips-nodes", "VIPs and nodes", vip, func(s *spaces) (space, space) { return s.vips, s.nodes }),
		disjoint("vip-address-pools", "the controlPlaneVIP and address pools",
			"choose an address outside the pools, or shorten the range: a Service could get the address",
			func(s *spaces) (space, space) { return s.apiVIP, s.pools }),
		disjoint("verify-client-pods", "the verify client and pod ranges", client, func(s *spaces) (space, space) { return s.client, s.pods }),
		disjoint("verify-client-services", "the verify client and service ranges", client,
			func(s *spaces) (space, space) { return s.client, s.services }),
		disjoint("verify-client-address-pools", "the verify client and address pools", client,
			func(s *spaces) (space, space) { return s.client, s.pools }),
		disjoint("verify-client-vips", "the verify client and VIPs", client, func(s *spaces) (space, space) { return s.client, s.vips }),
		disjoint("verify-client-nodes", "the verify client and nodes", client, func(s *spaces) (space, space) { return s.client, s.nodes }),
	}
}

// disjoint returns the rule that two spaces have no address in common. Its problems are at the fields of the first.
func disjoint(name, spacesNoun, hint string, pick func(*spaces) (space, space)) rule {
	return newRule(name, fromDocumentation, spacesNoun+" have no address in common", func(c *checker) {
		a, b := pick(&c.spaces)
		for _, o := range a.overlaps(b) {
			c.errorf(o.ref, hint, "%s", c.describe(o))
		}
	})
}

// describe returns the message for an overlap. Many nodes in one range are one problem, which counts them.
func (c *checker) describe(o overlap) string {
	a, b := formatRange(o.IPRange), formatRange(o.first.IPRange)
	place := c.place(o.first.ref, o.ref)
	if o.count > 1 {
		place += fmt.Sprintf(", and %d more", o.count-1)
	}
	switch aSingle, bSingle := o.isSingle(), o.first.isSingle(); {
	case aSingle && bSingle:
		article := "the"
		if o.first.noun == nounNode {
			article = "a"
		}
		return fmt.Sprintf("%s is %s %s as well (%s)", a, article, o.first.noun, place)
	case aSingle:
		return fmt.Sprintf("%s is in the %s %s (%s)", a, o.first.noun, b, place)
	case bSingle:
		return fmt.Sprintf("%s contains the %s %s (%s)", a, o.first.noun, b, place)
	}
	return fmt.Sprintf("%s overlaps the %s %s (%s)", a, o.first.noun, b, place)
}

// isSingle reports whether the claim is one address.
func (c claim) isSingle() bool { return c.From() == c.To() }

// special is a range that no host or pod can use.
type special struct {
	prefix netip.Prefix
	noun   string
}

// specials returns the special ranges in the registries of RFC 6890. It omits ranges for documentation and
// benchmarks: they are routed like any other, and labs use them.
func specials() []special {
	return []special{
		{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
		{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
		{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
		{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
		{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
		{netip.MustParsePrefix("::/96"), "unspecified and loopback"},
		{netip.MustParsePrefix("::ffff:0:0/96"), "IPv4-mapped"},
		{netip.MustParsePrefix("fe80::/10"), "link-local"},
		{netip.MustParsePrefix("ff00::/8"), "multicast"},
	}
}

// checkSpecial refuses special addresses anywhere in the manifests. Nodes come last, because there may be many and
// a rule lists only its first problems.
func checkSpecial(c *checker) {
	var wellKnown []claim
	for _, s := range specials() {
		wellKnown = append(wellKnown, claim{IPRange: netipx.RangeOfPrefix(s.prefix), noun: s.noun})
	}
	for _, s := range []space{c.spaces.pods, c.spaces.services, c.spaces.pools, c.spaces.vips, c.spaces.client, c.spaces.nodes} {
		for _, o := range s.overlaps(wellKnown) {
			verb := "overlaps"
			if o.isSingle() {
				verb = "is in"
			}
			c.errorf(o.ref, "choose other addresses, as in 10.0.0.0/8 or fd00::/8", "%s %s the %s range %s, which no host, pod or Service can use",
				formatRange(o.IPRange), verb, o.first.noun, formatRange(o.first.IPRange))
		}
	}
}
