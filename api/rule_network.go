package api

import (
	"fmt"
	"net/netip"

	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// Rules about the form of ranges in spec.clusterNetwork.
const (
	ruleServices = "services-range"
	rulePods     = "pods-range"
)

// networkRules returns the rules about the ranges of Services and pods in the Cluster.
func networkRules() []rule {
	return []rule{
		newFormRule(ruleServices, fromDocumentation, "service ranges are in CIDR notation",
			"Services need a range of each family, as in 172.16.0.0/20 and fd12::5:0/116"),
		ofCluster("services-dual-stack", fromDocumentation, "services have one range of each family", checkServicesFamilies),
		ofCluster("services-order", fromKubernetes, "API servers advertise addresses of the first service range's family", checkServicesOrder),
		newRule("services-size", fromDocumentation, "service ranges are /12 to /24 in IPv4 and /108 to /120 in IPv6", checkServicesSize),
		newFormRule(rulePods, fromDocumentation, "the pod range is in CIDR notation", "pods need one IPv4 range, as in 192.168.0.0/16"),
		newRule("pods-ipv4-only", fromDocumentation, "pods.cidrBlocks has no IPv6 range; those are in ClusterCIDRConfigs", checkPodsFamily),
		ofCluster("pods-one-range", fromDocumentation, "IPv4 in island mode has exactly one pod range", checkPodsCount),
		newRule("pods-size", fromDocumentation, "the pod range is /8 to /18", checkPodsSize),
		ofCluster("pods-ignored", fromDocumentation, "with flatIPv4 the pod range of the Cluster means nothing", checkPodsIgnored),
	}
}

const (
	servicesPath = "spec.clusterNetwork.services.cidrBlocks"
	podsPath     = "spec.clusterNetwork.pods.cidrBlocks"
)

// checkServicesFamilies requires one Service range of each family. According to the documentation, both families
// here make a cluster dual-stack, and that is immutable.
func checkServicesFamilies(c *checker, spec *v1.ClusterSpec) {
	if len(c.services) < len(spec.ClusterNetwork.Services.CIDRBlocks) || len(c.services) == 0 {
		return // ranges that are missing or could not be parsed already have a problem
	}
	count := map[Family]int{}
	for _, s := range c.services {
		family := FamilyOf(s.value.Addr())
		if count[family]++; count[family] > 1 {
			c.errorf(s.ref, "keep one; Kubernetes takes one service range of each family", "this is a second %s service range", family)
		}
	}
	const create = "dual-stack can only be chosen when a cluster is created, so dualstrap refuses single-stack clusters; "
	switch {
	case count[IPv6] == 0:
		c.errorf(c.at(servicesPath), create+"add an IPv6 range, as in fd12::5:0/116",
			"there is no IPv6 service range, which makes the cluster single-stack IPv4")
	case count[IPv4] == 0:
		c.errorf(c.at(servicesPath), create+"add an IPv4 range, as in 172.16.0.0/20",
			"there is no IPv4 service range, which makes the cluster single-stack IPv6")
	}
}

// checkServicesOrder warns when the IPv6 range comes first. kube-apiserver refuses to start when the address it
// advertises is of another family than its first Service range. So with IPv6 first, API servers advertise the IPv6
// addresses of their nodes.
func checkServicesOrder(c *checker, _ *v1.ClusterSpec) {
	if len(c.services) == 2 && c.services[0].value.Addr().Is6() && c.services[1].value.Addr().Is4() {
		c.warnf(c.services[0].ref, "put the IPv4 range first unless this is intended",
			"the first range is IPv6: single-stack Services get IPv6 addresses, and API servers advertise the IPv6 addresses of their nodes")
	}
}

// checkServicesSize applies the documented limits to IPv4 and the same number of addresses to IPv6. /108 is also
// the shortest prefix that kubeadm accepts.
func checkServicesSize(c *checker) {
	for _, s := range c.services {
		shortest, longest := 12, 24
		if s.value.Addr().Is6() {
			shortest, longest = 108, 120
		}
		c.checkLength(s, shortest, longest)
	}
}

// checkLength reports a prefix length outside the limits, which are inclusive.
func (c *checker) checkLength(p placed[netip.Prefix], shortest, longest int) {
	hint := fmt.Sprintf("use a length from /%d to /%d", shortest, longest)
	switch bits := p.value.Bits(); {
	case bits < shortest:
		c.errorf(p.ref, hint, "%s is too large: the largest range here is a /%d", p.value, shortest)
	case bits > longest:
		c.errorf(p.ref, hint, "%s is too small: the smallest range here is a /%d", p.value, longest)
	}
}

// checkPodsFamily refuses IPv6 ranges in the Cluster. This is the most likely mistake of users of kubeadm, whose
// podSubnet takes both families.
func checkPodsFamily(c *checker) {
	for _, p := range c.pods {
		if p.value.Addr().Is6() {
			c.errorf(p.ref, "move it to spec.ipv6.cidr of a ClusterCIDRConfig",
				"%s is IPv6, but the pods' IPv6 ranges do not belong in the Cluster", p.value)
		}
	}
}

// checkPodsCount requires exactly one IPv4 range in island mode. IPv6 ranges already have a problem.
func checkPodsCount(c *checker, spec *v1.ClusterSpec) {
	if spec.ClusterNetwork.FlatIPv4 {
		return
	}
	if at := c.at(podsPath); len(spec.ClusterNetwork.Pods.CIDRBlocks) == 0 && c.unreported(at) {
		c.errorf(at, "add the pods' IPv4 range, as in 192.168.0.0/16, or set flatIPv4: true",
			"there is no pod range; IPv4 in island mode needs one, to know which addresses to leave untranslated")
	}
	seen := 0
	for _, p := range c.pods {
		if !p.value.Addr().Is4() {
			continue
		}
		if seen++; seen > 1 {
			c.errorf(p.ref, "keep one range that is large enough; ClusterCIDRConfigs divide it",
				"this is a second pod range, but island mode has one")
		}
	}
}

// The documented limits on the length of the pod range.
const (
	shortestPods = 8
	longestPods  = 18
)

// checkPodsSize applies these limits.
func checkPodsSize(c *checker) {
	for _, p := range c.pods {
		if p.value.Addr().Is4() {
			c.checkLength(p, shortestPods, longestPods)
		}
	}
}

// checkPodsIgnored warns about a pod range that has no effect, because it looks as if it had one.
func checkPodsIgnored(c *checker, spec *v1.ClusterSpec) {
	if spec.ClusterNetwork.FlatIPv4 && len(spec.ClusterNetwork.Pods.CIDRBlocks) > 0 {
		c.warnf(c.at(podsPath), "remove the field; the pods' ranges are those of the ClusterCIDRConfigs",
			"the field is ignored because flatIPv4 is set")
	}
}
