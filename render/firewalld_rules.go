package render

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// The names of the zone and of the policies that dualstrap adds to firewalld.
const (
	podZoneName   = "dualstrap-pods"
	podPolicyName = "dualstrap-to-pods"
	// podOutPolicyName fits into 18 characters, which is firewalld's limit.
	podOutPolicyName = "dualstrap-of-pods"
)

// podZone returns the zone of pods, which matches them by their source addresses, and the ports of the node that it
// opens to them. ICMP and ICMPv6 pass a zone with the default target, so they need no rule.
func (r *hostRenderer) podZone(key firewalldKey) []firewalldChange {
	changes := []firewalldChange{
		{firewalld.Change{Kind: firewalld.NewZone, Value: podZoneName}, "Pods are a zone of their own, by their addresses."},
	}
	target := func(value, why string) {
		changes = append(changes, firewalldChange{firewalld.Change{Kind: firewalld.SetTarget, Zone: podZoneName, Value: value}, why})
	}
	open := func(port, why string) {
		changes = append(changes, firewalldChange{firewalld.Change{Kind: firewalld.AddPort, Zone: podZoneName, Value: port}, why})
	}
	if r.cfg.PodsReachAllOfNodes {
		target("ACCEPT", "Pods reach every port of the node: firewall.podsReachNodes is all.")
	} else {
		target("default", "Pods reach of the node what they need: firewall.podsReachNodes is needed.")
	}
	for _, source := range slices.Concat(r.podRanges[:]...) {
		changes = append(changes, firewalldChange{
			firewalld.Change{Kind: firewalld.AddSource, Zone: podZoneName, Value: source.String()}, "Pods of any node.",
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

// podPolicies returns the policies that let the node forward traffic to and from pods. The zone alone is not
// sufficient: a packet towards a pod is forwarded out of no zone that accepts it, and a Service answers or hangs
// depending on which node the chosen pod runs on. The policies also make flat IPv6 reachable from outside of the
// cluster. They do not apply to traffic with the node itself, which firewalld treats as the pseudo-zone HOST and not as
// part of ANY.
func (r *hostRenderer) podPolicies() []firewalldChange {
	policy := func(name, from, to, why string) []firewalldChange {
		return []firewalldChange{
			{firewalld.Change{Kind: firewalld.NewPolicy, Value: name}, why},
			{firewalld.Change{Kind: firewalld.AddIngress, Policy: name, Value: from}, "From where."},
			{firewalld.Change{Kind: firewalld.AddEgress, Policy: name, Value: to}, "To where."},
			{firewalld.Change{Kind: firewalld.SetTarget, Policy: name, Value: "ACCEPT"}, "The ports are for both sides to choose."},
		}
	}
	changes := policy(podPolicyName, "ANY", podZoneName, "What is forwarded to pods passes: clients may be outside of the cluster.")
	if r.cfg.PodsReachAllOfNodes {
		return changes // the zone's target ACCEPT applies to forwarded packets as well
	}
	return append(changes, policy(podOutPolicyName, podZoneName, "ANY", "What pods send through the node passes.")...)
}

// isNameserver reports whether some host of the cluster sends its DNS queries to this host.
func (r *hostRenderer) isNameserver(h *host) bool {
	for _, own := range []netip.Addr{h.node.Address, h.node.K8sIP, h.node.IPv6, h.facts.IPv6} {
		if own.IsValid() && r.nameservers[own] {
			return true
		}
	}
	return false
}

// nodePorts returns the ports that are open in the zone of the node's interface, because other hosts connect to the
// node itself. The controller manager, the scheduler and HAProxy's health check listen on the loopback interface only.
// ICMPv6, and with it neighbour discovery, passes every zone.
func (r *hostRenderer) nodePorts(key firewalldKey) []firewalldChange {
	var changes []firewalldChange
	open := func(port, why string) {
		changes = append(changes, firewalldChange{firewalld.Change{Kind: firewalld.AddPort, Zone: key.zone, Value: port}, why})
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

// vrrpRules returns rules that accept VRRP advertisements from the other nodes of the load balancer only: a host that
// sends advertisements with a higher priority takes over the VIP.
func vrrpRules(key firewalldKey, balancers []*host) []firewalldChange {
	var changes []firewalldChange
	for _, peer := range balancers {
		if peer == key.balancer {
			continue
		}
		changes = append(changes, firewalldChange{
			firewalld.Change{Kind: firewalld.AddRichRule, Zone: key.zone, Value: vrrpRule(peer.node.K8sIP)},
			"keepalived: the peer's adverts say who holds the control plane's VIP.",
		})
	}
	return changes
}

// vrrpRule returns the rich rule for one peer. VRRP is an IP protocol of its own, without ports, so a plain port cannot
// open it.
func vrrpRule(peer netip.Addr) string {
	family := "ipv4"
	if peer.Is6() {
		family = "ipv6"
	}
	return fmt.Sprintf(`rule family="%s" source address="%s" protocol value="vrrp" accept`, family, peer)
}

// tcp returns a TCP port in firewalld's notation.
func tcp(port int) string { return strconv.Itoa(port) + "/tcp" }
