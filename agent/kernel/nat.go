package kernel

import (
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"go4.org/netipx"
	"golang.org/x/sys/unix"
)

// Names of the sets and the chain of a NAT.
const clusterSet, localSet, natChain = "cluster4", "local4", "postrouting"

// NAT describes the IPv4 traffic that leaves with the node's address: packets from Local that go out of Uplink to
// destinations outside of Cluster. The ranges are sorted and neither overlap nor adjoin.
type NAT struct {
	Cluster, Local []netipx.IPRange
	Uplink         string
}

// Equal reports whether two translations are the same. A nil NAT equals only nil.
func (n *NAT) Equal(other *NAT) bool {
	if n == nil || other == nil {
		return n == other
	}
	return n.Uplink == other.Uplink && slices.Equal(n.Cluster, other.Cluster) && slices.Equal(n.Local, other.Local)
}

// natPriority returns a priority after that of kube-proxy's own chain.
func natPriority() nftables.ChainPriority { return *nftables.ChainPriorityNATSource + 10 }

// parts returns the sets and the chain of a translation.
func (n *NAT) parts() ([]set, []chain) {
	// The first chain that translates a connection wins, so kube-proxy's decision about Services comes first.
	priority := natPriority()
	return []set{rangeSet(clusterSet, nftables.TypeIPAddr, n.Cluster), rangeSet(localSet, nftables.TypeIPAddr, n.Local)},
		[]chain{{
			name: natChain, kind: nftables.ChainTypeNAT, hook: nftables.ChainHookPostrouting, priority: &priority,
			rules: [][]expr.Any{natRule(n.Uplink)},
		}}
}

// natFrom returns the translation that a table's sets and its chain describe.
func natFrom(sets map[string]set, chains map[string]chain) *NAT {
	n := &NAT{Cluster: rangesOf(sets[clusterSet]), Local: rangesOf(sets[localSet])}
	if rules := chains[natChain].rules; len(rules) > 0 {
		n.Uplink = uplinkOf(rules[0])
	}
	return n
}

// natRule returns the rule: ip saddr @local4 ip daddr != @cluster4 oifname UPLINK masquerade fully-random. Random
// source ports avoid collisions of connections that are translated at the same time.
func natRule(uplink string) []expr.Any {
	ipv4 := ipHeaders()[0]
	return slices.Concat(
		ipv4.is(),
		ipv4.source(), inSet(localSet),
		ipv4.destination(), notInSet(clusterSet),
		meta(expr.MetaKeyOIFNAME), equals(interfaceName(uplink)),
		[]expr.Any{&expr.Masq{FullyRandom: true}},
	)
}

// uplinkOf returns the name of the interface in one of the agent's rules, or an empty string if the rule is not the
// agent's.
func uplinkOf(exprs []expr.Any) string {
	for _, e := range exprs {
		if cmp, ok := e.(*expr.Cmp); ok && len(cmp.Data) == unix.IFNAMSIZ {
			return unix.ByteSliceToString(cmp.Data)
		}
	}
	return ""
}
