package kernel

import (
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"go4.org/netipx"
	"golang.org/x/sys/unix"
)

const clusterSet, localSet, natChain = "cluster4", "local4", "postrouting"

// NAT says which IPv4 traffic leaves with the node's address: that of Local which goes out of Uplink
// and not to Cluster. Both are ranges in order that neither overlap nor touch.
type NAT struct {
	Cluster, Local []netipx.IPRange
	Uplink         string
}

// Equal reports whether two translate alike. None is like none.
func (n *NAT) Equal(other *NAT) bool {
	if n == nil || other == nil {
		return n == other
	}
	return n.Uplink == other.Uplink && slices.Equal(n.Cluster, other.Cluster) && slices.Equal(n.Local, other.Local)
}

// natPriority comes after kube-proxy's own chain.
func natPriority() nftables.ChainPriority { return *nftables.ChainPriorityNATSource + 10 }

// parts are the sets and the chain of a translation.
func (n *NAT) parts() ([]set, []chain) {
	priority := natPriority()
	return []set{rangeSet(clusterSet, nftables.TypeIPAddr, n.Cluster), rangeSet(localSet, nftables.TypeIPAddr, n.Local)},
		[]chain{{
			name: natChain, kind: nftables.ChainTypeNAT, hook: nftables.ChainHookPostrouting, priority: &priority,
			rules: [][]expr.Any{natRule(n.Uplink)},
		}}
}

// natFrom reads a translation from its sets and its chain.
func natFrom(sets map[string]set, chains map[string]chain) *NAT {
	n := &NAT{Cluster: rangesOf(sets[clusterSet]), Local: rangesOf(sets[localSet])}
	if rules := chains[natChain].rules; len(rules) > 0 {
		n.Uplink = uplinkOf(rules[0])
	}
	return n
}

// natRule is: ip saddr @local4 ip daddr != @cluster4 oifname UPLINK masquerade fully-random.
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

// uplinkOf finds the name of the interface in a rule of the agent's; what others made may have none.
func uplinkOf(exprs []expr.Any) string {
	for _, e := range exprs {
		if cmp, ok := e.(*expr.Cmp); ok && len(cmp.Data) == unix.IFNAMSIZ {
			return unix.ByteSliceToString(cmp.Data)
		}
	}
	return ""
}
