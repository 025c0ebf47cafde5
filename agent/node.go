package agent

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
)

// family is an address family, and the index of what there is once for each.
type family int

const (
	ipv4 family = iota
	ipv6
)

func families() [2]family { return [...]family{ipv4, ipv6} }

func (f family) String() string { return [...]string{"IPv4", "IPv6"}[f] }

func familyOf(addr netip.Addr) family {
	if addr.Is4() {
		return ipv4
	}
	return ipv6
}

// Node is what the agent knows of a Node: one InternalIP and one pod range of each family, or the zero
// value where there is none yet.
type Node struct {
	Name string
	// Addrs and Pods have IPv4 first.
	Addrs [2]netip.Addr
	Pods  [2]netip.Prefix
}

// NodeOf reads a Node. The first address and range of a family count, as they do for the API server.
func NodeOf(object *corev1.Node) Node {
	node := Node{Name: object.Name}
	for _, address := range object.Status.Addresses {
		if address.Type != corev1.NodeInternalIP {
			continue
		}
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
