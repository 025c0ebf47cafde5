package render

import (
	"net/netip"
	"slices"

	"go4.org/netipx"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dualstrap/dualstrap/api"
)

// ingressPool is the name of the address pool that reserves the ingress VIP.
const ingressPool = "ingress-vip"

// ipAddressPool is metallb.io/v1beta1 IPAddressPool, with the fields that dualstrap sets.
type ipAddressPool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec ipAddressPoolSpec `json:"spec"`
}

type ipAddressPoolSpec struct {
	// Addresses are ranges of both families, each in CIDR notation or as first-last.
	Addresses []string `json:"addresses"`
	// AutoAssign lets MetalLB assign addresses to Services that do not ask for one.
	AutoAssign bool `json:"autoAssign"`
	// AvoidBuggyIPs keeps MetalLB from assigning IPv4 addresses that end in .0 or .255.
	AvoidBuggyIPs bool `json:"avoidBuggyIPs"`
}

// l2Advertisement is metallb.io/v1beta1 L2Advertisement, with the fields that dualstrap sets.
type l2Advertisement struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec l2AdvertisementSpec `json:"spec"`
}

// l2AdvertisementSpec does not list pools, which to MetalLB means all pools.
type l2AdvertisementSpec struct {
	NodeSelectors []metav1.LabelSelector `json:"nodeSelectors"`
	Interfaces    []string               `json:"interfaces"`
}

// loadBalancing returns MetalLB's address pools and the advertisements that announce them.
func loadBalancing(cfg *api.Config, hosts []host) []any {
	return append(addressPools(&cfg.LoadBalancer), advertisements(cfg, hosts)...)
}

// addressPools returns one IPAddressPool for each address pool of the manifests: a dual-stack Service gets an address
// of each family only if both are in the same pool. The ingress VIP is removed from the pool that contains it and gets
// a pool of its own, without automatic assignment, so that only a Service that asks for the VIP gets it.
func addressPools(lb *api.LoadBalancer) []any {
	var objects []any
	for _, pool := range lb.Pools {
		ranges := without(pool.Addresses, lb.IngressVIP)
		if len(ranges) == 0 {
			continue // MetalLB refuses its whole configuration if one pool has no addresses
		}
		objects = append(objects, newAddressPool(pool.Name, ipAddressPoolSpec{
			Addresses:     rangeStrings(ranges),
			AutoAssign:    !pool.ManualAssign,
			AvoidBuggyIPs: pool.AvoidBuggyIPs,
		}))
	}
	if lb.IngressVIP.IsValid() {
		vip := netipx.IPRangeFrom(lb.IngressVIP, lb.IngressVIP)
		objects = append(objects, newAddressPool(ingressPoolName(lb.Pools), ipAddressPoolSpec{Addresses: rangeStrings([]netipx.IPRange{vip})}))
	}
	return objects
}

// without returns the ranges in their order, with one address removed. The range that contains it is split.
func without(ranges []netipx.IPRange, cut netip.Addr) []netipx.IPRange {
	var rest []netipx.IPRange
	for _, r := range ranges {
		if !r.Contains(cut) {
			rest = append(rest, r)
			continue
		}
		if r.From() != cut {
			rest = append(rest, netipx.IPRangeFrom(r.From(), cut.Prev()))
		}
		if r.To() != cut {
			rest = append(rest, netipx.IPRangeFrom(cut.Next(), r.To()))
		}
	}
	return rest
}

// rangeStrings returns ranges in MetalLB's notation: CIDR if possible, otherwise first-last.
func rangeStrings(ranges []netipx.IPRange) []string {
	texts := make([]string, len(ranges))
	for i, r := range ranges {
		texts[i] = r.String()
		if prefix, ok := r.Prefix(); ok {
			texts[i] = prefix.String()
		}
	}
	return texts
}

// ingressPoolName returns ingressPool, with a suffix if a pool of the manifests already has that name.
func ingressPoolName(pools []api.AddressPool) string {
	name := ingressPool
	for slices.ContainsFunc(pools, func(p api.AddressPool) bool { return p.Name == name }) {
		name += "-reserved"
	}
	return name
}

// newAddressPool returns an IPAddressPool in MetalLB's namespace.
func newAddressPool(name string, spec ipAddressPoolSpec) ipAddressPool {
	return ipAddressPool{
		TypeMeta:   metav1.TypeMeta{APIVersion: "metallb.io/v1beta1", Kind: "IPAddressPool"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: MetalLBNamespace},
		Spec:       spec,
	}
}

// advertisements returns the objects that announce the pools from the load balancer nodes, each on the interface that
// holds the node's addresses and on no other. Nodes are grouped by the name of that interface, with one object per
// name, because an L2Advertisement has one list of interfaces for all of its nodes.
func advertisements(cfg *api.Config, hosts []host) []any {
	var names []string
	nodes := map[string][]string{} // values of LabelK8sIP by interface name
	for i := range hosts {
		h := &hosts[i]
		if !cfg.BalancesServices(h.pool.Role) {
			continue
		}
		name := h.interfaceName()
		if nodes[name] == nil {
			names = append(names, name)
		}
		nodes[name] = append(nodes[name], h.node.K8sIP.String())
	}
	objects := make([]any, len(names))
	for i, name := range names {
		selector := metav1.LabelSelector{MatchLabels: map[string]string{LabelLoadBalancerNode: "true"}}
		object := "load-balancer-nodes"
		if len(names) > 1 {
			selector = metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: api.LabelK8sIP, Operator: metav1.LabelSelectorOpIn, Values: nodes[name]},
			}}
			object = "load-balancer-nodes-of-" + nodes[name][0]
		}
		objects[i] = l2Advertisement{
			TypeMeta:   metav1.TypeMeta{APIVersion: "metallb.io/v1beta1", Kind: "L2Advertisement"},
			ObjectMeta: metav1.ObjectMeta{Name: object, Namespace: MetalLBNamespace},
			Spec:       l2AdvertisementSpec{NodeSelectors: []metav1.LabelSelector{selector}, Interfaces: []string{name}},
		}
	}
	return objects
}
