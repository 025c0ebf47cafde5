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
)

// podZone lets pods speak with everybody and everybody with pods. The zone alone is not enough: a
// packet towards a pod leaves by no zone that accepts it, and a Service answers or hangs depending on
// which node the chosen pod is on. The policy is also what makes flat IPv6 reachable from outside.
func (r *hostRenderer) podZone() []FirewalldChange {
	changes := []FirewalldChange{
		{Kind: FirewalldNewZone, Value: podZoneName, Why: "Pods are a zone of their own, by their addresses."},
		{Kind: FirewalldSetTarget, Zone: podZoneName, Value: "ACCEPT", Why: "Pods reach the node and, through it, everything."},
	}
	for _, source := range slices.Concat(r.podRanges4, r.podRanges6) {
		changes = append(changes, FirewalldChange{
			Kind: FirewalldAddSource, Zone: podZoneName, Value: source.String(), Why: "Pods of any node.",
		})
	}
	return append(changes,
		FirewalldChange{Kind: FirewalldNewPolicy, Value: podPolicyName, Why: "What is forwarded to pods passes from zone to zone."},
		FirewalldChange{Kind: FirewalldAddIngress, Policy: podPolicyName, Value: "ANY", Why: "Clients may be outside of the cluster."},
		FirewalldChange{Kind: FirewalldAddEgress, Policy: podPolicyName, Value: podZoneName, Why: "Only towards pods."},
		FirewalldChange{Kind: FirewalldSetTarget, Policy: podPolicyName, Value: "ACCEPT", Why: "The pods' ports are theirs to choose."},
	)
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
