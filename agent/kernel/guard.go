package kernel

import (
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"go4.org/netipx"
	"golang.org/x/sys/unix"
)

const (
	hostLinksSet                    = "host_links"
	preroutingChain, fromPodsChain  = "prerouting", "from_pods"
	inputChain, fromPodsToNodeChain = "input", "from_pods_to_node"
	linkOfPods                      = "veth"
)

// Guard says whose packets a node believes: those of pods when the way back leads to the pod that sent
// them, and those that come in elsewhere with an address of a pod when another node has that pod.
//
// Pods' interfaces are all of kind veth but HostLinks, not those that pods' routes lead to: a pod's
// interface is there before its routes are, and before anybody can say that it is. So there is no moment
// in which a new pod is believed what others are not, whether the agent runs or not.
type Guard struct {
	// HostLinks are the interfaces of kind veth that are not pods', in order.
	HostLinks []string
	// PodRanges are where this cluster's pods are, OtherNodes the parts of it that pods of other nodes
	// have; IPv4 comes first. They are ranges in order that neither overlap nor touch.
	PodRanges, OtherNodes [2][]netipx.IPRange
}

// Equal reports whether two guard alike. None is like none.
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

// addressSets are the names of a family's sets and their type. In sources are pods' interfaces with the addresses they
// have sent with of late, and rightly so: to look up the way back costs several times as much, most of all in IPv6.
type addressSets struct {
	podRanges, otherNodes, sources string
	key                            nftables.SetDatatype
}

func guardSets() [2]addressSets {
	return [2]addressSets{
		{"pod_ranges4", "other_nodes4", "sources4", nftables.TypeIPAddr},
		{"pod_ranges6", "other_nodes6", "sources6", nftables.TypeIP6Addr},
	}
}

// parts are the sets and chains of a guard.
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
			name: preroutingChain, kind: nftables.ChainTypeFilter, hook: nftables.ChainHookPrerouting,
			priority: nftables.ChainPriorityRaw, rules: preroutingRules(),
		},
		{
			name: inputChain, kind: nftables.ChainTypeFilter, hook: nftables.ChainHookInput,
			priority: nftables.ChainPriorityFilter, rules: [][]expr.Any{ifFromPods(fromPodsToNodeChain)},
		},
	}
}

// guardFrom reads a guard from its sets: its chains are always the same.
func guardFrom(sets map[string]set) *Guard {
	g := &Guard{HostLinks: namesOf(sets[hostLinksSet])}
	for f, names := range guardSets() {
		g.PodRanges[f], g.OtherNodes[f] = rangesOf(sets[names.podRanges]), rangesOf(sets[names.otherNodes])
	}
	return g
}

// ifFromPods is: iifkind veth iifname != @host_links goto CHAIN.
func ifFromPods(chain string) []expr.Any {
	return slices.Concat(
		meta(metaIIFKind), equals(interfaceName(linkOfPods)),
		meta(expr.MetaKeyIIFNAME), notInSet(hostLinksSet),
		[]expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}},
	)
}

// preroutingRules are those for pods, with iif . ip saddr @sources4 accept for each family before them, then
// iifname lo accept, and for each family ip saddr @pod_ranges4 ip saddr != @other_nodes4 counter drop. A node speaks to
// itself with addresses of its pods' gateways.
func preroutingRules() [][]expr.Any {
	var rules [][]expr.Any
	sets := guardSets()
	for f, header := range ipHeaders() {
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

// fromPodsRules accept sources of one link and those of who has no address yet, which are never
// forwarded, and else: fib saddr . iif oif missing counter drop. What is left is right, and remembered:
// add @sources4 { iif . ip saddr }. A route that is taken from a pod counts until that is forgotten.
func fromPodsRules() [][]expr.Any {
	header := ipHeaders()
	linkLocal := netip.MustParsePrefix("fe80::/10")
	mask, _ := netip.AddrFromSlice(netipx.PrefixIPNet(linkLocal).Mask) // as long as an address
	rules := [][]expr.Any{
		slices.Concat(header[1].is(), header[1].source(), startsWith(mask.AsSlice(), linkLocal.Addr().AsSlice()), accepted()),
		slices.Concat(header[1].is(), header[1].source(), equals(netip.IPv6Unspecified().AsSlice()), accepted()),
		slices.Concat(header[0].is(), header[0].source(), equals(netip.IPv4Unspecified().AsSlice()), accepted()),
		slices.Concat([]expr.Any{&expr.Fib{Register: register, ResultOIF: true, FlagSADDR: true, FlagIIF: true, FlagPRESENT: true}},
			equals(make([]byte, 4)), dropped()),
	}
	for f, sets := range guardSets() {
		rules = append(rules, slices.Concat(header[f].is(), header[f].linkAndSource(), learns(sets.sources)))
	}
	return rules
}

// fromPodsToNodeRules drop what tells a node where to route and which address to take.
func fromPodsToNodeRules() [][]expr.Any {
	header := ipHeaders()
	is := func(family int, protocol byte, what ...[]expr.Any) []expr.Any {
		return slices.Concat(header[family].is(), meta(expr.MetaKeyL4PROTO), equals([]byte{protocol}), slices.Concat(what...), dropped())
	}
	const routerAdvertisement, redirect6, redirect4 = 134, 137, 5
	const toClient, toServer, destinationPort = 546, 547, 2 // of DHCPv6, and where UDP has it
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
