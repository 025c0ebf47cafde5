package api

import (
	"slices"

	"go4.org/netipx"

	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// ruleVIP reports malformed IPv4 addresses of VIPs.
const ruleVIP = "vip-address"

const vipsPath = "spec.loadBalancer.vips"

// loadBalancerRules returns the rules about the VIPs, and about which load balancers are built.
func loadBalancerRules() []rule {
	return []rule{
		ofCluster("load-balancer-mode", fromDocumentation, "the mode is bundled or manual", checkMode),
		ofCluster("control-plane-load-balancer", fromDualstrap,
			"the load balancers of the control plane and of Services are both bundled or both manual", checkControlPlaneLB),
		ofCluster("garp-repeat", fromNetwork, "keepalived repeats gratuitous ARP 1 to 100 times", checkGARPRepeat),
		ofCluster("load-balancer-port", fromNetwork, "the control plane's port is 1 to 65535 and not one that nodes use themselves", checkPort),
		newFormRule(ruleVIP, fromDocumentation,
			"VIPs are IPv4 addresses", "give an unused IPv4 address in the nodes' subnet; only address pools hold IPv6"),
		ofCluster("vips-distinct", fromNetwork, "the VIPs differ", checkVIPsDistinct),
		ofCluster("ingress-vip-in-pool", fromDocumentation, "ingressVIP is in an address pool that may assign it", checkIngressVIP),
	}
}

// checkMode validates the mode. A missing mode is left to checkRequired: there is no default, because either choice
// would be wrong for some networks.
func checkMode(c *checker, spec *v1.ClusterSpec) {
	if mode := spec.LoadBalancer.Mode; mode != "" && mode != "bundled" && mode != "manual" {
		c.errorf(c.at("spec.loadBalancer.mode"), "", "the mode is not one of bundled and manual")
	}
}

// checkControlPlaneLB accepts a mode that repeats spec.loadBalancer.mode and refuses a mixture.
func checkControlPlaneLB(c *checker, spec *v1.ClusterSpec) {
	own := spec.ControlPlane.LoadBalancer
	if own == nil {
		return
	}
	at := c.at("spec.controlPlane.loadBalancer.mode")
	const hint = "leave controlPlane.loadBalancer.mode out to follow spec.loadBalancer.mode"
	switch manual := spec.LoadBalancer.Mode == "manual"; {
	case own.Mode != "" && own.Mode != "bundled" && own.Mode != "manual":
		c.errorf(at, hint, "the mode is not one of bundled and manual")
	case own.Mode == "bundled" && manual:
		c.errorf(at, hint, "dualstrap does not build a load balancer for the control plane where that for Services is manual")
	case own.Mode == "manual" && !manual:
		c.errorf(at, hint, "dualstrap does not build a load balancer for Services where that for the control plane is manual")
	}
}

// checkGARPRepeat limits the number of gratuitous ARP messages. Without any, neighbours keep sending to the
// previous holder of the VIP; thousands would delay keepalived.
func checkGARPRepeat(c *checker, _ *v1.ClusterSpec) {
	if n := c.config.LoadBalancer.GARPRepeat; n < 1 || n > 100 {
		c.errorf(c.at("spec.controlPlane.loadBalancer.keepalivedVRRPGARPMasterRepeat"), "5 is the default", "%d is not between 1 and 100", n)
	}
}

// nodePorts returns the ports that other programs use on all addresses of nodes that may hold the VIP. HAProxy
// could not listen on them.
func nodePorts(ssh int) map[int]string {
	return map[int]string{
		22: "SSH", 2379: "etcd", 2380: "etcd", 2381: "etcd's metrics", 7472: "MetalLB's metrics", 7946: "MetalLB",
		10248: "the kubelet", 10249: "kube-proxy", 10250: "the kubelet", 10256: "kube-proxy",
		10257: "kube-controller-manager", 10259: "kube-scheduler", ssh: "SSH",
	}
}

// checkPort validates the control plane's port. Other users of the port matter only in mode bundled, where HAProxy
// listens on the nodes.
func checkPort(c *checker, spec *v1.ClusterSpec) {
	at := c.at("spec.loadBalancer.ports.controlPlaneLBPort")
	const hint = "443 and 6443 are usual"
	port := int(spec.LoadBalancer.Ports.ControlPlaneLBPort)
	user, taken := nodePorts(c.config.SSH.Port)[port]
	switch {
	case port == 0: // missing, see checkRequired
	case port < 1 || port > 65535:
		c.errorf(at, hint, "%d is not a port: those are 1 to 65535", port)
	case spec.LoadBalancer.Mode == "manual":
	case taken:
		c.errorf(at, hint, "port %d is used on the nodes by %s, and the VIP is on the nodes", port, user)
	case port >= 30000 && port <= 32767:
		c.errorf(at, hint, "port %d is one of 30000 to 32767, the ports of Services of type NodePort, and the VIP is on the nodes", port)
	}
}

// checkVIPsDistinct requires two different VIPs, because keepalived announces one and MetalLB the other.
func checkVIPsDistinct(c *checker, _ *v1.ClusterSpec) {
	lb := &c.config.LoadBalancer
	if lb.IngressVIP.IsValid() && lb.IngressVIP == lb.ControlPlaneVIP {
		c.errorf(c.at(vipsPath+".ingressVIP"), "give each its own address", "%s is the controlPlaneVIP as well", lb.IngressVIP)
	}
}

// checkIngressVIP requires that ingressVIP lies in an address pool that can assign it. MetalLB does not assign an
// address that avoidBuggyIPs excludes, even to a Service that requests it.
func checkIngressVIP(c *checker, spec *v1.ClusterSpec) {
	vip := c.config.LoadBalancer.IngressVIP
	if !vip.IsValid() || spec.LoadBalancer.Mode != "bundled" || len(c.unparsed[rulePoolRange]) > 0 || !c.hasPool(IPv4) {
		return
	}
	if vip == c.config.LoadBalancer.ControlPlaneVIP {
		return // see checkVIPsDistinct
	}
	at := c.at(vipsPath + ".ingressVIP")
	pools := c.config.LoadBalancer.Pools
	i := slices.IndexFunc(pools, func(p AddressPool) bool {
		return slices.ContainsFunc(p.Addresses, func(r netipx.IPRange) bool { return r.Contains(vip) })
	})
	last := vip.As4()[3]
	switch {
	case i < 0:
		c.errorf(at, "choose an address of a pool, or extend a pool", "%s is in no address pool", vip)
	case pools[i].AvoidBuggyIPs && (last == 0 || last == 255):
		c.errorf(at, "choose another address of the pool", "%s ends in .%d, which its pool avoids (%s)", vip, last,
			c.place(pools[i].Ref.field("avoidBuggyIPs"), at))
	}
}

// hasPool reports whether any address pool has a range of the family.
func (c *checker) hasPool(family Family) bool {
	return slices.ContainsFunc(c.addressRanges, func(r placed[netipx.IPRange]) bool { return FamilyOf(r.value.From()) == family })
}
