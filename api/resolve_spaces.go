package api

import (
	"cmp"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// claim is a range of addresses that something in the manifests uses.
type claim struct {
	netipx.IPRange
	// noun describes the user of the range in messages.
	noun string
	ref  Ref
}

// Nouns of claims.
const (
	nounPods     = "pod range"
	nounServices = "service range"
	nounPools    = "address pool range"
	nounNode     = "node address"
	nounClient   = "verify client"
	nounVIP      = "controlPlaneVIP"
	nounIngress  = "ingressVIP"
)

// space is a list of disjoint claims in the order of addresses. It holds both families, IPv4 first.
type space []claim

// newSpace sorts claims and drops those that overlap an earlier one. Of claims that begin at the same address it
// keeps the largest, so that a range stands for all ranges inside it. It reuses the slice.
func newSpace(claims []claim) space {
	slices.SortStableFunc(claims, func(a, b claim) int {
		return cmp.Or(a.From().Compare(b.From()), b.To().Compare(a.To()))
	})
	kept := claims[:0]
	for _, c := range claims {
		if len(kept) == 0 || kept[len(kept)-1].To().Less(c.From()) {
			kept = append(kept, c)
		}
	}
	return kept
}

// spaces holds all addresses in the manifests, by what uses them.
type spaces struct {
	pods, services, pools, nodes, client space
	// vips holds both VIPs, apiVIP only controlPlaneVIP: ingressVIP must lie in an address pool, so that rule does
	// not apply to it.
	vips, apiVIP space
}

// newSpaces sorts all claims once. A rule about overlaps then takes one pass over two spaces, instead of comparing
// all pairs.
func newSpaces(c *checker) spaces {
	var s spaces
	s.pods = newSpace(podClaims(c))
	s.services = newSpace(prefixClaims(nounServices, c.services))
	var pools []claim
	for _, r := range c.addressRanges {
		pools = append(pools, claim{r.value, nounPools, r.ref})
	}
	s.pools = newSpace(pools)
	s.nodes = newSpace(nodeClaims(c))
	if c.cluster != nil {
		api := addrClaims(nounVIP, c.at(vipsPath+".controlPlaneVIP"), c.config.LoadBalancer.ControlPlaneVIP)
		ingress := addrClaims(nounIngress, c.at(vipsPath+".ingressVIP"), c.config.LoadBalancer.IngressVIP)
		s.apiVIP = newSpace(slices.Clone(api))
		s.vips = newSpace(append(api, ingress...))
	}
	if c.options != nil {
		s.client = newSpace(addrClaims(nounClient, c.options.At("verify.client.address"), c.config.VerifyClient))
	}
	return s
}

// podClaims returns the pod ranges. The Cluster's own range comes first, so that newSpace keeps it and drops the
// equal ranges of ClusterCIDRConfigs.
func podClaims(c *checker) []claim {
	claims := prefixClaims(nounPods, c.pods)
	for _, cc := range c.config.CIDRConfigs {
		for _, f := range cc.families() {
			if f.CIDR.IsValid() {
				claims = append(claims, claim{netipx.RangeOfPrefix(f.CIDR), nounPods, f.ref.field("cidr")})
			}
		}
	}
	return claims
}

// nodeClaims returns every known address of a node, of either family. IPv6 addresses that are still to be
// discovered are checked on the hosts.
func nodeClaims(c *checker) []claim {
	count := len(c.nodeIPv6)
	for _, p := range c.config.Pools {
		count += len(p.Nodes)
	}
	claims := make([]claim, 0, count)
	for _, n := range c.nodes {
		claims = append(claims, addrClaims(nounNode, n.Ref.field("address"), n.Address)...)
		if n.K8sIP != n.Address {
			claims = append(claims, addrClaims(nounNode, n.Ref.field("k8sIP"), n.K8sIP)...)
		}
	}
	for _, n := range c.nodeIPv6 {
		claims = append(claims, addrClaims(nounNode, n.ref, n.value)...)
	}
	return claims
}

// prefixClaims returns a claim for every range.
func prefixClaims(noun string, prefixes []placed[netip.Prefix]) []claim {
	var claims []claim
	for _, p := range prefixes {
		claims = append(claims, claim{netipx.RangeOfPrefix(p.value), noun, p.ref})
	}
	return claims
}

// addrClaims returns the claim of one address, or nothing for the zero address.
func addrClaims(noun string, ref Ref, a netip.Addr) []claim {
	if !a.IsValid() {
		return nil
	}
	return []claim{{netipx.IPRangeFrom(a, a), noun, ref}}
}

// overlap is a claim together with the claims of another space that overlap it.
type overlap struct {
	claim
	// first is the lowest of those, count their number.
	first claim
	count int
}

// overlaps returns all claims of s that overlap one of other. It takes one pass over both.
func (s space) overlaps(other space) []overlap {
	var found []overlap
	for _, a := range s {
		for len(other) > 0 && other[0].To().Less(a.From()) {
			other = other[1:]
		}
		n := 0
		for n < len(other) && !a.To().Less(other[n].From()) {
			n++
		}
		if n > 0 {
			found = append(found, overlap{a, other[0], n})
			other = other[n-1:] // the last one may reach into the next claim
		}
	}
	return found
}
