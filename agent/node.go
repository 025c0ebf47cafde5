package agent

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
)

// family is an address family, and the index of arrays with one element per family.
type family int

const (
	ipv4 family = iota
	ipv6
)

// families returns both families, IPv4 first.
func families() [2]family { return [...]family{ipv4, ipv6} }

// String returns the name of the family, as in "IPv4".
func (f family) String() string { return [...]string{"IPv4", "IPv6"}[f] }

// familyOf returns the family of an address. An IPv4-mapped IPv6 address counts as IPv6.
func familyOf(addr netip.Addr) family {
	if addr.Is4() {
		return ipv4
	}
	return ipv6
}

// Node holds the properties of a Node that the agent uses: one InternalIP and one pod range of each family. A missing
// one is the zero value.
type Node struct {
	Name string
	// Addrs and Pods are indexed by family, IPv4 first.
	Addrs [2]netip.Addr
	Pods  [2]netip.Prefix
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
		if addr = addr.Unmap().WithZone(""); err == nil && !node.Addrs[familyOf(addr)].IsValid() {
			node.Addrs[familyOf(addr)] = addr
		}
	}
	for _, cidr := range object.Spec.PodCIDRs {
		prefix, err := netip.ParsePrefix(cidr)
		if f := familyOf(prefix.Addr()); err == nil && !node.Pods[f].IsValid() {
			node.Pods[f] = prefix.Masked()
		}
	}
	return node
}
