package api

import (
	"fmt"
	"maps"
	"net/netip"
	"strconv"
)

// ruleCIDRConfigRange reports ranges of a ClusterCIDRConfig that are malformed or of the wrong family.
const ruleCIDRConfigRange = "cidr-config-range"

// Limits on a node's block in host bits: fewer than 16 addresses serve no node, and more than 65536 can only be a
// mistyped length.
const (
	minHostBits = 4
	maxHostBits = 16
)

// cidrConfigRules returns the rules about the ranges of ClusterCIDRConfigs. selectorRules are about their
// selectors.
func cidrConfigRules() []rule {
	return []rule{
		newFormRule(ruleCIDRConfigRange, fromDocumentation, "ranges of a ClusterCIDRConfig are in CIDR notation, each in its family's field",
			"ipv4.cidr is a range like 192.168.0.0/16, ipv6.cidr one like fd12::1:0/112"),
		newRule("cidr-config-families", fromDocumentation,
			"a ClusterCIDRConfig has both families: a node takes both from one", checkCIDRConfigFamilies),
		newRule("cidr-config-mask", fromDocumentation, "perNodeMaskSize is between the range's length and 32 or 128", checkMasks),
		newRule("cidr-config-equal-size", fromDocumentation, "both families give a node the same number of addresses", checkEqualSize),
		newRule("cidr-config-block-size", fromDualstrap, "a node's block has 16 to 65536 addresses", checkBlockSize),
		newRule("cidr-config-max-pods", fromDocumentation, "a node's block has an address for every pod, and better two", checkBlockMaxPods),
		newRule("cidr-config-island", fromDocumentation,
			"in island mode the IPv4 range of a ClusterCIDRConfig is the Cluster's, or part of it with a nodeSelector", checkIsland),
		newRule("cidr-config-twin", fromDualstrap, "no two ClusterCIDRConfigs have the same selector and ranges", checkTwins),
	}
}

// family is one family of a ClusterCIDRConfig and its position.
type family struct {
	CIDRRange
	name Family
	ref  Ref
}

// families returns both families, IPv4 first.
func (cc *CIDRConfig) families() []family {
	return []family{
		{cc.IPv4, IPv4, cc.Ref.field("ipv4")},
		{cc.IPv6, IPv6, cc.Ref.field("ipv6")},
	}
}

// checkCIDRConfigFamilies requires both families. It looks at the manifest, because a range that cannot be parsed
// is not missing.
func checkCIDRConfigFamilies(c *checker) {
	for i, cc := range c.config.CIDRConfigs {
		wire := &c.manifests.ClusterCIDRConfigs[i].Value.Spec
		given := map[Family]string{IPv4: wire.IPv4.CIDR, IPv6: wire.IPv6.CIDR}
		for _, f := range cc.families() {
			if at := f.ref.field("cidr"); given[f.name] == "" && c.unreported(at) {
				c.errorf(at, "add the pods' range in CIDR notation and perNodeMaskSize",
					"there is no %s range, but a node takes both families from one ClusterCIDRConfig", f.name)
			}
		}
	}
}

// checkMasks requires a block that fits into its range. Any difference between the two lengths is allowed,
// including more than the 16 of the allocators in Kubernetes, which keep a bitmap of all blocks.
func checkMasks(c *checker) {
	for _, cc := range c.config.CIDRConfigs {
		for _, f := range cc.families() {
			at := f.ref.field("perNodeMaskSize")
			switch {
			case !f.CIDR.IsValid():
			case f.PerNodeMaskSize == 0:
				if c.unreported(at) {
					c.errorf(at, "add the length of one node's block, "+usualMask(f.name), "the field is missing, and it has no default")
				}
			case f.PerNodeMaskSize > f.CIDR.Addr().BitLen() || f.PerNodeMaskSize < 0:
				c.errorf(at, usualMask(f.name), "%d is not the length of an %s block", f.PerNodeMaskSize, f.name)
			case f.PerNodeMaskSize < f.CIDR.Bits():
				c.errorf(at, fmt.Sprintf("use a number from %d to %d, or a larger range", f.CIDR.Bits(), f.CIDR.Addr().BitLen()),
					"a node's block of /%d does not fit into %s", f.PerNodeMaskSize, f.CIDR)
			}
		}
	}
}

// usualMask returns the length in the documentation's examples, for hints.
func usualMask(f Family) string {
	if f == IPv4 {
		return "24 is usual: 256 addresses"
	}
	return "120 is usual: 256 addresses"
}

// checkEqualSize requires the same number of addresses in both families. Its hint has the wording of the
// documentation, so that its readers recognize the rule.
func checkEqualSize(c *checker) {
	const hint = "the number of IPv4 and IPv6 addresses of a node must be equal: ipv4.perNodeMaskSize %d is 32 - %d, " +
		"so ipv6.perNodeMaskSize is 128 - %d = %d"
	for _, cc := range c.config.CIDRConfigs {
		v4, v6 := cc.IPv4.hostBits(), cc.IPv6.hostBits()
		switch {
		case v4 < 0 || v6 < 0 || v4 == v6:
		case c.onlyIPv4TooSmall(&cc):
			c.errorf(cc.Ref.field("ipv4.perNodeMaskSize"),
				fmt.Sprintf("write %d: the number of IPv4 and IPv6 addresses of a node must be equal", 32-v6),
				"a node would get %s IPv4 addresses, too few for its %d pods, but %s IPv6 addresses", count(v4), c.config.MaxPodsPerNode, count(v6))
		default:
			c.errorf(cc.Ref.field("ipv6.perNodeMaskSize"), fmt.Sprintf(hint, 32-v4, v4, v4, 128-v4),
				"a node would get %s IPv4 addresses, but %s IPv6 addresses", count(v4), count(v6))
		}
	}
}

// onlyIPv4TooSmall reports whether the IPv4 block has too few addresses for a node's pods, while a block of the
// same size as the IPv6 block would have enough. Then there is one mistake and not two.
func (c *checker) onlyIPv4TooSmall(cc *CIDRConfig) bool {
	v4, v6 := cc.IPv4.hostBits(), cc.IPv6.hostBits()
	pods := c.config.MaxPodsPerNode
	return c.cluster != nil && v4 >= 0 && v4 < v6 && v6 <= maxHostBits && 32-v6 >= cc.IPv4.CIDR.Bits() &&
		1<<v4-blockOverhead < pods && pods <= 1<<v6-blockOverhead
}

// checkBlockSize applies the limits on a node's block. It reports both families when both are wrong, because each
// has its own line to change.
func checkBlockSize(c *checker) {
	for _, cc := range c.config.CIDRConfigs {
		for _, f := range cc.families() {
			length := f.name.bits()
			hint := fmt.Sprintf("use a number from %d to %d; %s", length-maxHostBits, length-minHostBits, usualMask(f.name))
			switch bits := f.hostBits(); {
			case bits < 0:
			case bits < minHostBits:
				c.errorf(f.ref.field("perNodeMaskSize"), hint,
					"a block of /%d has %s addresses, fewer than a node can work with", f.PerNodeMaskSize, count(bits))
			case bits > maxHostBits:
				c.errorf(f.ref.field("perNodeMaskSize"), hint,
					"a block of /%d has %s addresses, more than a node can use", f.PerNodeMaskSize, count(bits))
			}
		}
	}
}

// count formats the number of addresses for a number of host bits.
func count(hostBits int) string {
	if hostBits > 20 {
		return fmt.Sprintf("2^%d", hostBits)
	}
	return strconv.Itoa(1 << hostBits)
}

// bits returns the length of the family's addresses.
func (f Family) bits() int {
	if f == IPv4 {
		return 32
	}
	return 128
}

// blockOverhead is the number of addresses of an IPv4 block that pods cannot use: the first, the last, and the
// gateway. IPv6 has no broadcast address, so IPv4 is the limit.
const blockOverhead = 3

// checkBlockMaxPods requires an address for every pod. It warns when there are fewer than twice as many, the ratio
// of the blocks that the documentation sizes itself: the address of a finished pod is not free at once.
func checkBlockMaxPods(c *checker) {
	if c.cluster == nil {
		return
	}
	pods := c.config.MaxPodsPerNode
	for _, cc := range c.config.CIDRConfigs {
		bits := cc.IPv4.hostBits()
		if bits < minHostBits || bits > maxHostBits || pods > highestMaxPods || c.onlyIPv4TooSmall(&cc) {
			continue
		}
		at := cc.Ref.field("ipv4.perNodeMaskSize")
		switch usable := 1<<bits - blockOverhead; {
		case usable < pods:
			c.errorf(at, "use a smaller number, in both families, or lower spec.nodeConfig.podDensity.maxPodsPerNode of the Cluster",
				"a block of /%d has addresses for %d pods, but nodes run up to %d", cc.IPv4.PerNodeMaskSize, usable, pods)
		case 1<<bits < 2*pods:
			c.warnf(at, "use a smaller number, in both families, or lower spec.nodeConfig.podDensity.maxPodsPerNode of the Cluster",
				"a block of /%d has %d addresses, less than twice the %d pods of a node: on a full node new pods may wait for addresses of old ones",
				cc.IPv4.PerNodeMaskSize, 1<<bits, pods)
		}
	}
}

// checkIsland compares IPv4 ranges with the Cluster's pod range in island mode. The documentation requires them to
// be the same, but its own example of a range for one node uses a part. So a ClusterCIDRConfig with a nodeSelector
// may have a part of the range.
func checkIsland(c *checker) {
	pods := c.config.Network.Pods
	if !pods.IsValid() || pods.Bits() < shortestPods || pods.Bits() > longestPods {
		return // see checkPodsSize: the Cluster's range may be the mistyped one
	}
	for _, cc := range c.config.CIDRConfigs {
		got := cc.IPv4.CIDR
		at := cc.Ref.field("ipv4.cidr")
		where := c.place(c.at(podsPath), at)
		switch {
		case !got.IsValid() || got == pods || !c.selectorKnown(&cc):
		case len(cc.MatchLabels) == 0:
			c.errorf(at, "write "+pods.String(),
				"%s is not the cluster's pod range %s (%s), which island mode demands of a ClusterCIDRConfig for all nodes", got, pods, where)
		case !contains(pods, got):
			c.errorf(at, "choose a part of that range",
				"%s is not part of the cluster's pod range %s (%s), which island mode demands", got, pods, where)
		}
	}
}

// contains reports whether inner is outer or a part of it.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// checkTwins warns about two ClusterCIDRConfigs with the same selector and ranges. They are legal but give no more
// addresses, so the second one was probably meant to differ.
func checkTwins(c *checker) {
	type ranges struct{ v4, v6 CIDRRange }
	first := map[ranges][]*CIDRConfig{}
	for i := range c.config.CIDRConfigs {
		cc := &c.config.CIDRConfigs[i]
		if cc.IPv4.hostBits() < 0 || cc.IPv6.hostBits() < 0 || !c.selectorKnown(cc) {
			continue
		}
		key := ranges{cc.IPv4, cc.IPv6}
		for _, other := range first[key] {
			if maps.Equal(cc.MatchLabels, other.MatchLabels) {
				c.warnf(cc.Ref, "remove one of the two, or correct its nodeSelector",
					"it has the nodeSelector and the ranges of another one (%s)", c.place(other.Ref, cc.Ref))
				break
			}
		}
		first[key] = append(first[key], cc)
	}
}
