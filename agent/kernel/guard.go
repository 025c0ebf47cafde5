package kernel

import (
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/dualstrap/dualstrap/internal/family"
)

// Names of the sets and chains of a Guard, and the kind of the interfaces of pods.
const (
	hostLinksSet                    = "host_links"
	preroutingChain, fromPodsChain  = "prerouting", "from_pods"
	inputChain, fromPodsToNodeChain = "input", "from_pods_to_node"
	linkOfPods                      = "veth"
)

// Guard describes which source addresses a node accepts. A packet from a pod is accepted if the route back to its
// source leads to the interface of that pod. A packet from elsewhere, with a source inside the ranges of pods, is
// accepted if the source belongs to a pod of another node.
//
// Every veth interface counts as a pod's, except for HostLinks. The alternative, to list the interfaces to which pods'
// routes lead, would leave a gap: the interface of a new pod exists before its routes do, and before the agent could
// see it. Without a list, a new pod is validated from its first packet, whether the agent runs or not.
type Guard struct {
	// HostLinks are the names of veth interfaces that do not belong to pods, sorted.
	HostLinks []string
	// PodRanges are the ranges of the cluster's pods, OtherNodes the parts of them that belong to pods of other nodes.
	// Both are indexed by family, IPv4 first. Their ranges are sorted and neither overlap nor adjoin.
	PodRanges, OtherNodes family.Pair[[]netipx.IPRange]
}

// Equal reports whether two guards have the same content. A nil Guard equals only nil.
func (g *Guard) Equal(other *Guard) bool {
	if g == nil || other == nil {
		return g == other
	}
	equal := slices.Equal(g.HostLinks, other.HostLinks)
	for f := range g.PodRanges {
		equal = equal && slices.Equal(g.PodRanges[f], other.PodRanges[f]) && slices.Equal(g.OtherNodes[f], other.OtherNodes[f])
	}
	return equal
}

// addressSets are the names of a family's sets, and the type of their addresses. The set sources caches valid pairs of
// pod interface and source address: a lookup of the route back costs several times as much as one in a set, above all
// in IPv6.
type addressSets struct {
	podRanges, otherNodes, sources string
	key                            nftables.SetDatatype
}

// guardSets returns the sets of both families, IPv4 first.
func guardSets() family.Pair[addressSets] {
	return family.Pair[addressSets]{
		{"pod_ranges4", "other_nodes4", "sources4", nftables.TypeIPAddr},
		{"pod_ranges6", "other_nodes6", "sources6", nftables.TypeIP6Addr},
	}
}

// parts returns the sets and chains of a guard. Chains without a hook come before those that refer to them.
func (g *Guard) parts() ([]set, []chain) {
	sets := []set{nameSet(hostLinksSet, g.HostLinks)}
	for f, names := range guardSets() {
		sets = append(sets,
			rangeSet(names.podRanges, names.key, g.PodRanges[f]), rangeSet(names.otherNodes, names.key, g.OtherNodes[f]),
			learningSet(names.sources, names.key))
	}
	return sets, []chain{
		{name: fromPodsChain, rules: fromPodsRules()},
		{name: fromPodsToNodeChain, rules: fromPodsToNodeRules()},
		{
			// Priority raw runs before connection tracking and before the translation of Services, so the source is the
			// one that the pod has sent, and dropped packets take no entry in the connection table.
			name: preroutingChain, kind: nftables.ChainTypeFilter, hook: nftables.ChainHookPrerouting,
			priority: nftables.ChainPriorityRaw, rules: preroutingRules(),
		},
		{
			// The hook input sees packets to the node itself. Router advertisements, redirects and DHCPv6 from pods are
			// not forwarded to other machines, so these need no protection.
			name: inputChain, kind: nftables.ChainTypeFilter, hook: nftables.ChainHookInput,
			priority: nftables.ChainPriorityFilter, rules: [][]expr.Any{ifFromPods(fromPodsToNodeChain)},
		},
	}
}

// guardFrom returns the guard that a table's sets describe. The chains are the same for every guard.
func guardFrom(sets map[string]set) *Guard {
	g := &Guard{HostLinks: namesOf(sets[hostLinksSet])}
	for f, names := range guardSets() {
		g.PodRanges[f], g.OtherNodes[f] = rangesOf(sets[names.podRanges]), rangesOf(sets[names.otherNodes])
	}
	return g
}

// ifFromPods returns the rule: iifkind veth iifname != @host_links goto CHAIN.
func ifFromPods(chain string) []expr.Any {
	return slices.Concat(
		meta(metaIIFKind), equals(interfaceName(linkOfPods)),
		meta(expr.MetaKeyIIFNAME), notInSet(hostLinksSet),
		[]expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}},
	)
}

// preroutingRules returns, in this order:
//
//	iif . ip saddr @sources4 accept                               (for each family)
//	iifkind veth iifname != @host_links goto from_pods
//	iifname lo accept
//	ip saddr @pod_ranges4 ip saddr != @other_nodes4 counter drop  (for each family)
//
// The loopback interface is accepted because a node sends to itself from the gateway addresses of its pods, which are
// inside the ranges.
func preroutingRules() [][]expr.Any {
	var rules [][]expr.Any
	sets := guardSets()
	for f, header := range ipHeaders() {
		// The caches come first, so that most packets of pods need a single lookup.
		rules = append(rules, slices.Concat(header.is(), header.linkAndSource(), inSet(sets[f].sources), accepted()))
	}
	rules = append(rules,
		ifFromPods(fromPodsChain),
		slices.Concat(meta(expr.MetaKeyIIFNAME), equals(interfaceName("lo")), accepted()),
	)
	for f, header := range ipHeaders() {
		rules = append(rules, slices.Concat(
			header.is(),
			header.source(), inSet(sets[f].podRanges),
			header.source(), notInSet(sets[f].otherNodes),
			dropped(),
		))
	}
	return rules
}

// fromPodsRules returns rules that accept link-local and unspecified sources, which are never forwarded, and drop all
// other packets whose route back does not lead to the interface that they came from: fib saddr . iif oif missing
// counter drop. The remaining packets are valid, and their pair of interface and source is cached: add @sources4 { iif
// . ip saddr }. A route that is removed from a pod therefore remains in effect until the pair expires; see learntFor.
func fromPodsRules() [][]expr.Any {
	header := ipHeaders()
	linkLocal := netip.MustParsePrefix("fe80::/10")
	mask, _ := netip.AddrFromSlice(netipx.PrefixIPNet(linkLocal).Mask) // the mask in the form of an address
	rules := [][]expr.Any{
		slices.Concat(header[1].is(), header[1].source(), startsWith(mask.AsSlice(), linkLocal.Addr().AsSlice()), accepted()),
		slices.Concat(header[1].is(), header[1].source(), equals(netip.IPv6Unspecified().AsSlice()), accepted()),
		slices.Concat(header[0].is(), header[0].source(), equals(netip.IPv4Unspecified().AsSlice()), accepted()),
		// ptp adds one host route per address of a pod, which makes this check exact without a list of pods.
		slices.Concat([]expr.Any{&expr.Fib{Register: register, ResultOIF: true, FlagSADDR: true, FlagIIF: true, FlagPRESENT: true}},
			equals(make([]byte, 4)), dropped()),
	}
	for f, sets := range guardSets() {
		rules = append(rules, slices.Concat(header[f].is(), header[f].linkAndSource(), learns(sets.sources)))
	}
	return rules
}

// fromPodsToNodeRules returns rules that drop packets with which a pod could reconfigure its node: router
// advertisements, ICMP redirects of both families, and DHCPv6 to either side.
func fromPodsToNodeRules() [][]expr.Any {
	header := ipHeaders()
	// is returns a rule that drops packets of a family and protocol if they match the further expressions as well.
	is := func(family int, protocol byte, what ...[]expr.Any) []expr.Any {
		return slices.Concat(header[family].is(), meta(expr.MetaKeyL4PROTO), equals([]byte{protocol}), slices.Concat(what...), dropped())
	}
	const routerAdvertisement, redirect6, redirect4 = 134, 137, 5
	const toClient, toServer, destinationPort = 546, 547, 2 // ports of DHCPv6, and the offset of the port in UDP's header
	kind := payload(expr.PayloadBaseTransportHeader, 0, 1)
	to := payload(expr.PayloadBaseTransportHeader, destinationPort, 2)
	return [][]expr.Any{
		is(1, unix.IPPROTO_ICMPV6, kind, equals([]byte{routerAdvertisement})),
		is(1, unix.IPPROTO_ICMPV6, kind, equals([]byte{redirect6})),
		is(0, unix.IPPROTO_ICMP, kind, equals([]byte{redirect4})),
		is(1, unix.IPPROTO_UDP, to, equals(port(toClient))),
		is(1, unix.IPPROTO_UDP, to, equals(port(toServer))),
	}
}
