package api

import (
	"cmp"
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// claim is a part of the address space that something in the manifests takes.
type claim struct {
	netipx.IPRange
	// noun names what takes it, for messages.
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

// space is a set of claims in the order of addresses, none of which overlaps another. Both families
// are in it, IPv4 first.
type space []claim

// newSpace orders claims. Of those that overlap it keeps the first, and of those that begin at one
// address the largest, so that a range stands for all ranges inside it.
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

// spaces is everything that the manifests say about addresses, by what takes them.
type spaces struct {
	pods, services, pools, nodes, client space
	// vips holds both VIPs, apiVIP only controlPlaneVIP: ingressVIP belongs into a pool.
	vips, apiVIP space
}

// newSpaces sorts everything once; every rule about overlaps then only walks through two spaces.
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

// podClaims begins with the Cluster's own range, which then stands for the ranges inside it.
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

// nodeClaims holds every address that a node is known to have, of either family. IPv6 addresses that
// are still to be discovered are judged on the hosts.
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

// prefixClaims makes a claim of every range.
func prefixClaims(noun string, prefixes []placed[netip.Prefix]) []claim {
	var claims []claim
	for _, p := range prefixes {
		claims = append(claims, claim{netipx.RangeOfPrefix(p.value), noun, p.ref})
	}
	return claims
}

// addrClaims is the claim of one address; none when it is not given.
func addrClaims(noun string, ref Ref, a netip.Addr) []claim {
	if !a.IsValid() {
		return nil
	}
	return []claim{{netipx.IPRangeFrom(a, a), noun, ref}}
}

// overlap is one claim and those of another space that overlap it.
type overlap struct {
	claim
	// first is the lowest of them, count how many there are.
	first claim
	count int
}

// overlaps finds all claims of s that overlap one of other. It walks once through both.
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
