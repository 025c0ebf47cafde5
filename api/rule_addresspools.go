package api

import (
	"slices"

	"go4.org/netipx"
	"k8s.io/apimachinery/pkg/api/validate/content"

	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// rulePoolRange reports malformed ranges in address pools.
const rulePoolRange = "address-pool-range"

const poolsPath = "spec.loadBalancer.addressPools"

// addressPoolRules returns the rules about the pools from which MetalLB assigns addresses.
func addressPoolRules() []rule {
	return []rule{
		newFormRule(rulePoolRange, fromDocumentation, "address pools hold ranges in CIDR notation or as first-last",
			"write ranges like 10.2.0.212-10.2.0.221 or 10.2.0.208/28"),
		ofCluster("address-pools-manual", fromDocumentation, "there are no address pools in mode manual", checkPoolsManual),
		ofCluster("address-pools-both-families", fromDocumentation,
			"address pools in mode bundled hold IPv4 and IPv6 addresses", checkPoolsFamilies),
		ofCluster("address-pool-dual-stack", fromNetwork, "a pool for automatic assignment holds both families", checkPoolDualStack),
		ofCluster("address-pool-name", fromKubernetes, "address pools have names that Kubernetes accepts, each its own", checkAddressPoolNames),
		ofCluster("address-pool-empty", fromDocumentation, "an address pool holds addresses", checkPoolEmpty),
		newRule("address-pools-disjoint", fromDocumentation, "ranges of address pools do not overlap", checkPoolsDisjoint),
	}
}

// checkPoolsManual refuses address pools that have no effect: their author expects MetalLB, which mode manual does
// not install.
func checkPoolsManual(c *checker, spec *v1.ClusterSpec) {
	if spec.LoadBalancer.Mode == "manual" && len(spec.LoadBalancer.AddressPools) > 0 {
		c.errorf(c.at(poolsPath), "remove addressPools, or set mode: bundled", "in mode manual nothing assigns addresses from pools")
	}
}

// checkPoolsFamilies requires addresses of both families. It reports nothing while a range cannot be parsed,
// because that may be the missing family.
func checkPoolsFamilies(c *checker, spec *v1.ClusterSpec) {
	if spec.LoadBalancer.Mode != "bundled" || len(c.unparsed[rulePoolRange]) > 0 {
		return
	}
	at := c.at(poolsPath)
	v4, v6 := c.hasPool(IPv4), c.hasPool(IPv6)
	switch {
	case len(spec.LoadBalancer.AddressPools) == 0 && c.unreported(at):
		c.errorf(at, "add a pool with an IPv4 and an IPv6 range of unused addresses in the nodes' subnets",
			"there are no address pools, which mode bundled needs")
	case !v4 && v6:
		c.errorf(at, "add an IPv4 range of unused addresses in the nodes' subnet", "no address pool has IPv4 addresses")
	case v4 && !v6:
		c.errorf(at, "add an IPv6 range of unused addresses in the nodes' subnet", "no address pool has IPv6 addresses")
	}
}

// checkPoolDualStack warns when no pool can serve a dual-stack Service. MetalLB takes both addresses of a Service
// from one pool, even when the Service names the addresses; see poolFor in its internal/allocator.
func checkPoolDualStack(c *checker, spec *v1.ClusterSpec) {
	if spec.LoadBalancer.Mode != "bundled" || !c.hasPool(IPv4) || !c.hasPool(IPv6) {
		return
	}
	const hint = "put an IPv4 and an IPv6 range into one pool, without manualAssign"
	manual := false
	for _, pool := range c.config.LoadBalancer.Pools {
		if !pool.isDualStack() {
			continue
		}
		if !pool.ManualAssign {
			return
		}
		manual = true
	}
	if manual {
		c.warnf(c.at(poolsPath), hint,
			"only pools with manualAssign have both families, so dual-stack Services of type LoadBalancer have to name one")
		return
	}
	c.warnf(c.at(poolsPath), hint, "no pool has both families, so no Service of type LoadBalancer gets both: its addresses come from one pool")
}

// isDualStack reports whether the pool has ranges of both families.
func (p *AddressPool) isDualStack() bool {
	families := map[Family]bool{}
	for _, r := range p.Addresses {
		families[FamilyOf(r.From())] = true
	}
	return len(families) == 2
}

// checkAddressPoolNames requires unique and valid names, because a pool becomes an IPAddressPool object of that
// name.
func checkAddressPoolNames(c *checker, spec *v1.ClusterSpec) {
	const hint = "use lower-case letters, digits and dashes, 63 at most, with a letter or digit at both ends"
	first := map[string]Ref{}
	for i := range spec.LoadBalancer.AddressPools {
		name := spec.LoadBalancer.AddressPools[i].Name
		at := c.at(poolsPath).item(i).field("name")
		other, taken := first[name]
		switch {
		case name == "" && c.unreported(at):
			c.errorf(at, hint, "the address pool has no name")
		case name == "":
		case len(content.IsDNS1123Label(name)) > 0:
			c.errorf(at, hint, "the name is not one that Kubernetes accepts for an address pool")
		case taken:
			c.errorf(at, "give it another name, or list all ranges in one pool",
				"the name %s is taken by another address pool: %s", name, c.place(other, at))
		default:
			first[name] = at
		}
	}
}

// checkPoolEmpty refuses pools without addresses. MetalLB rejects such an IPAddressPool, and with it all others.
func checkPoolEmpty(c *checker, spec *v1.ClusterSpec) {
	for i := range spec.LoadBalancer.AddressPools {
		at := c.at(poolsPath).item(i).field("addresses")
		if len(spec.LoadBalancer.AddressPools[i].Addresses) == 0 && c.unreported(at) {
			c.errorf(at, "list ranges, or remove the pool", "the address pool has no addresses")
		}
	}
}

// checkPoolsDisjoint reports overlapping ranges. It compares every range with the earlier one that ends last, which
// finds every range that overlaps any earlier one.
func checkPoolsDisjoint(c *checker) {
	ranges := slices.Clone(c.addressRanges)
	slices.SortStableFunc(ranges, func(a, b placed[netipx.IPRange]) int { return a.value.From().Compare(b.value.From()) })
	var furthest placed[netipx.IPRange]
	for _, r := range ranges {
		if furthest.value.IsValid() && furthest.value.Overlaps(r.value) {
			c.errorf(r.ref, "an address belongs to one pool, once; shorten one of the two ranges",
				"%s overlaps %s (%s)", formatRange(r.value), formatRange(furthest.value), c.place(furthest.ref, r.ref))
		}
		if !furthest.value.IsValid() || furthest.value.To().Less(r.value.To()) {
			furthest = r
		}
	}
}

// formatRange formats a range in its shortest form: one address, CIDR notation where that is exact, or first-last.
func formatRange(r netipx.IPRange) string {
	if r.From() == r.To() {
		return r.From().String()
	}
	if p, ok := r.Prefix(); ok {
		return p.String()
	}
	return r.String()
}
