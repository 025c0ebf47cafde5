package render

import (
	"net/netip"
	"slices"

	"go4.org/netipx"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dualstrap/dualstrap/api"
)

// ingressPool is the name of the pool that keeps the ingress VIP.
const ingressPool = "ingress-vip"

// ipAddressPool is metallb.io/v1beta1 IPAddressPool, as far as it is used here.
type ipAddressPool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec ipAddressPoolSpec `json:"spec"`
}

type ipAddressPoolSpec struct {
	// Addresses are ranges of both families, each in CIDR notation or as first-last.
	Addresses     []string `json:"addresses"`
	AutoAssign    bool     `json:"autoAssign"`
	AvoidBuggyIPs bool     `json:"avoidBuggyIPs"`
}

// l2Advertisement is metallb.io/v1beta1 L2Advertisement, as far as it is used here.
type l2Advertisement struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec l2AdvertisementSpec `json:"spec"`
}

// l2AdvertisementSpec names no pools, which means all.
type l2AdvertisementSpec struct {
	NodeSelectors []metav1.LabelSelector `json:"nodeSelectors"`
	Interfaces    []string               `json:"interfaces"`
}

// loadBalancing are MetalLB's address pools, and where it announces them.
func loadBalancing(cfg *api.Config, hosts []host) []any {
	return append(addressPools(&cfg.LoadBalancer), advertisements(cfg, hosts)...)
}

// addressPools are the pools of the manifests, one for one: a pool of both families is what lets a
// dual-stack Service have an address of each. The ingress VIP is in one of them, and moves to a pool of
// its own, from which only a Service that asks for it gets it.
func addressPools(lb *api.LoadBalancer) []any {
	var objects []any
	for _, pool := range lb.Pools {
		ranges := without(pool.Addresses, lb.IngressVIP)
		if len(ranges) == 0 {
			continue // MetalLB refuses a pool without addresses, and all others with it
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

// without gives the ranges with one address cut out, in their order.
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

// rangeStrings writes ranges as MetalLB reads them.
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

// ingressPoolName is ingressPool, made longer while a pool of the manifests has that name.
func ingressPoolName(pools []api.AddressPool) string {
	name := ingressPool
	for slices.ContainsFunc(pools, func(p api.AddressPool) bool { return p.Name == name }) {
		name += "-reserved"
	}
	return name
}

func newAddressPool(name string, spec ipAddressPoolSpec) ipAddressPool {
	return ipAddressPool{
		TypeMeta:   metav1.TypeMeta{APIVersion: "metallb.io/v1beta1", Kind: "IPAddressPool"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: MetalLBNamespace},
		Spec:       spec,
	}
}

// advertisements announce the pools from the load balancer nodes, each on the interface that holds the
// node's addresses and on no other: one object for each name that interface has.
func advertisements(cfg *api.Config, hosts []host) []any {
	var names []string
	nodes := map[string][]string{} // by interface: values of LabelK8sIP
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
