package agent

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/dualstrap/dualstrap/internal/family"
)

// Node holds the properties of a Node that the agent uses: one InternalIP and one pod range of each family. A missing
// one is the zero value.
type Node struct {
	Name  string
	Addrs family.Pair[netip.Addr]
	Pods  family.Pair[netip.Prefix]
}

// NodeOf returns the properties of a Node. The first address and the first range of a family count, as in the API
// server. Values that cannot be parsed are ignored.
func NodeOf(object *corev1.Node) Node {
	node := Node{Name: object.Name}
	for _, address := range object.Status.Addresses {
		if address.Type != corev1.NodeInternalIP {
			continue
		}
		// Kubelets may write IPv4 addresses in their IPv4-mapped form, and zones have no meaning outside of the node.
		addr, err := netip.ParseAddr(address.Address)
		if addr = addr.Unmap().WithZone(""); err == nil && !node.Addrs[family.Of(addr)].IsValid() {
			node.Addrs[family.Of(addr)] = addr
		}
	}
	for _, cidr := range object.Spec.PodCIDRs {
		prefix, err := netip.ParsePrefix(cidr)
		if f := family.Of(prefix.Addr()); err == nil && !node.Pods[f].IsValid() {
			node.Pods[f] = prefix.Masked()
		}
	}
	return node
}
