package render

import (
	"net/netip"

	v1 "k8s.io/api/core/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/internal/family"
	"github.com/dualstrap/dualstrap/internal/nodeaddress"
)

// nodeObjects returns the Nodes in the state in which they are created, before a kubelet registers them. A kubelet
// adopts an existing Node with its podCIDRs, and then adds neither its own labels nor a providerID, so the objects
// contain everything that the manifests specify about a node.
func nodeObjects(cfg *api.Config, hosts []host) []any {
	objects := make([]any, len(hosts))
	for i := range hosts {
		objects[i] = nodeObject(cfg, &hosts[i])
	}
	return objects
}

// nodeObject returns the Node of one host.
func nodeObject(cfg *api.Config, h *host) *corev1.NodeApplyConfiguration {
	labels := cfg.NodeLabels(h.pool, h.node)
	if h.pool.Role == api.RoleWorker {
		labels[LabelWorkerRole] = ""
	}
	if cfg.BalancesServices(h.pool.Role) {
		labels[LabelLoadBalancerNode] = "true"
	}
	labels[nodeaddress.LabelIPv4] = nodeaddress.Value(h.node.K8sIP)
	labels[nodeaddress.LabelIPv6] = h.ipv6Label()
	v4, v6 := h.podCIDRs()[family.IPv4].String(), h.podCIDRs()[family.IPv6].String()
	spec := corev1.NodeSpec().
		// The API server silently drops the second of podCIDRs if podCIDR is not equal to the first.
		WithPodCIDR(v4).
		WithPodCIDRs(v4, v6).
		WithProviderID(api.ProviderID(h.node.K8sIP))
	for _, taint := range h.pool.Taints {
		spec.WithTaints(taintOf(taint.Key, taint.Value, taint.Effect))
	}
	return corev1.Node(h.nodeName()).WithLabels(labels).WithSpec(spec)
}

// ipv6Label returns the node's IPv6 address in the form of a label's value, which may not contain colons.
func (h *host) ipv6Label() string {
	address, err := netip.ParseAddr(h.ipv6())
	if err != nil {
		return KnownAfterProbe
	}
	return nodeaddress.Value(address)
}

// taintOf returns a taint. An empty value is left out.
func taintOf(key, value string, effect v1.TaintEffect) *corev1.TaintApplyConfiguration {
	taint := corev1.Taint().WithKey(key).WithEffect(effect)
	if value != "" {
		taint.WithValue(value)
	}
	return taint
}
