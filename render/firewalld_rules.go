package render

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

const (
	podZoneName   = "dualstrap-pods"
	podPolicyName = "dualstrap-to-pods"
	// podOutPolicyName has at most 18 characters, as firewalld asks for.
	podOutPolicyName = "dualstrap-of-pods"
)

// podZone is where pods are, by their addresses, and what they reach on the node itself. ICMP and ICMPv6
// pass a zone of the default target.
func (r *hostRenderer) podZone(key firewalldKey) []FirewalldChange {
	changes := []FirewalldChange{
		{Kind: FirewalldNewZone, Value: podZoneName, Why: "Pods are a zone of their own, by their addresses."},
	}
	target := func(value, why string) {
		changes = append(changes, FirewalldChange{Kind: FirewalldSetTarget, Zone: podZoneName, Value: value, Why: why})
	}
	open := func(port, why string) {
		changes = append(changes, FirewalldChange{Kind: FirewalldAddPort, Zone: podZoneName, Value: port, Why: why})
	}
	if r.cfg.PodsReachAllOfNodes {
		target("ACCEPT", "Pods reach every port of the node: firewall.podsReachNodes is all.")
	} else {
		target("default", "Pods reach of the node what they need: firewall.podsReachNodes is needed.")
	}
	for _, source := range slices.Concat(r.podRanges4, r.podRanges6) {
		changes = append(changes, FirewalldChange{
			Kind: FirewalldAddSource, Zone: podZoneName, Value: source.String(), Why: "Pods of any node.",
		})
	}
	if r.cfg.PodsReachAllOfNodes {
		return changes
	}
	open("10250/tcp", "The kubelet: metrics of pods and nodes are fetched there, by who may.")
	open("30000-32767/tcp", "Services of type NodePort.")
	open("30000-32767/udp", "Services of type NodePort.")
	if key.controlPlane {
		open(tcp(r.cfg.APIServerPort()), "The API server, to which the Service kubernetes leads.")
	}
	if key.balancer != nil {
		open(tcp(r.cfg.LoadBalancer.Port), "HAProxy: the API on the control plane's VIP.")
	}
	if key.nameserver {
		open("53/tcp", "DNS: hosts of the cluster ask this one, and so does the cluster's own DNS.")
		open("53/udp", "DNS: hosts of the cluster ask this one, and so does the cluster's own DNS.")
	}
	return changes
}

// podPolicies let pods speak through the node with everybody, and everybody with pods. The zone is not
// enough: a packet towards a pod leaves by no zone that accepts it, and a Service answers or hangs depending
// on which node the chosen pod is on. They are also what makes flat IPv6 reachable from outside. Neither is
// about the node itself: that is no zone, but HOST.
func (r *hostRenderer) podPolicies() []FirewalldChange {
	policy := func(name, from, to, why string) []FirewalldChange {
		return []FirewalldChange{
			{Kind: FirewalldNewPolicy, Value: name, Why: why},
			{Kind: FirewalldAddIngress, Policy: name, Value: from, Why: "From where."},
			{Kind: FirewalldAddEgress, Policy: name, Value: to, Why: "To where."},
			{Kind: FirewalldSetTarget, Policy: name, Value: "ACCEPT", Why: "The ports are for both sides to choose."},
		}
	}
	changes := policy(podPolicyName, "ANY", podZoneName, "What is forwarded to pods passes: clients may be outside of the cluster.")
	if r.cfg.PodsReachAllOfNodes {
		return changes // the zone's target is for what is forwarded, too
	}
	return append(changes, policy(podOutPolicyName, podZoneName, "ANY", "What pods send through the node passes.")...)
}

// isNameserver reports whether a host of the cluster sends its questions to this one.
func (r *hostRenderer) isNameserver(h *host) bool {
	for _, own := range []netip.Addr{h.node.Address, h.node.K8sIP, h.node.IPv6, h.facts.IPv6} {
		if own.IsValid() && r.nameservers[own] {
			return true
		}
	}
	return false
}

// nodePorts opens, in the zone of the node's interface, what others must reach on the node itself.
// The controller manager, the scheduler and HAProxy's health listen on the loopback only. ICMPv6,
// and with it neighbour discovery, passes every zone.
func (r *hostRenderer) nodePorts(key firewalldKey) []FirewalldChange {
	var changes []FirewalldChange
	open := func(port, why string) {
		changes = append(changes, FirewalldChange{Kind: FirewalldAddPort, Zone: key.zone, Value: port, Why: why})
	}
	open("10250/tcp", "The kubelet: API servers fetch logs and metrics and run commands in pods.")
	open("10256/tcp", "kube-proxy's health: load balancers ask which nodes serve a Service.")
	open("30000-32767/tcp", "Services of type NodePort.")
	open("30000-32767/udp", "Services of type NodePort.")
	if key.controlPlane {
		open(tcp(r.cfg.APIServerPort()), "The API server.")
	}
	if key.controlPlane && len(r.controlPlanes) > 1 {
		open("2379-2380/tcp", "etcd: the other control plane nodes are its members and clients.")
	}
	if key.services {
		open("7946/tcp", "MetalLB: speakers find out which of them are alive.")
		open("7946/udp", "MetalLB: speakers find out which of them are alive.")
	}
	if key.balancer == nil {
		return changes
	}
	open(tcp(r.cfg.LoadBalancer.Port), "HAProxy: the API on the control plane's VIP.")
	return append(changes, vrrpRules(key, r.balancers)...)
}

// vrrpRules let in the adverts of the other nodes of the load balancer, and of nobody else: whoever
// sends adverts with a higher priority takes the VIP away.
func vrrpRules(key firewalldKey, balancers []*host) []FirewalldChange {
	var changes []FirewalldChange
	for _, peer := range balancers {
		if peer == key.balancer {
			continue
		}
		changes = append(changes, FirewalldChange{
			Kind: FirewalldAddRichRule, Zone: key.zone, Value: vrrpRule(peer.node.K8sIP),
			Why: "keepalived: the peer's adverts say who holds the control plane's VIP.",
		})
	}
	return changes
}

func vrrpRule(peer netip.Addr) string {
	family := "ipv4"
	if peer.Is6() {
		family = "ipv6"
	}
	return fmt.Sprintf(`rule family="%s" source address="%s" protocol value="vrrp" accept`, family, peer)
}

func tcp(port int) string { return strconv.Itoa(port) + "/tcp" }
