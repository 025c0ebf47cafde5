package check

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// addressChecks returns the checks of the node's addresses and subnets.
func addressChecks() []Check {
	return allIfReachable([]Check{
		{
			"ipv4-address", "An interface has the node's IPv4 address.",
			"correct the node's address in the manifests, or give the interface that address", checkIPv4Address,
		},
		{
			"ipv6-enabled", "IPv6 is switched on, also for interfaces that are created later, such as those of pods.",
			"remove ipv6.disable=1 from the kernel's command line and disable_ipv6 = 1 from /etc/sysctl.d, and reboot", checkIPv6Enabled,
		},
		{
			"dual-stack-network", "The node's interface has IPv4 and IPv6: a dual-stack cluster cannot start on a single-stack network.",
			"make the network dual-stack: give the interface an address in the nodes' IPv6 range, such as fd12::2:4/108", checkDualStack,
		},
		{
			"ipv6-address", "The node's interface has a permanent global IPv6 address: not temporary, tentative, deprecated or in use elsewhere.",
			"give the interface a static address, now and for the next boot: ip -6 address add ADDRESS/LENGTH dev INTERFACE", checkIPv6Address,
		},
		{
			"ipv4-on-link", "The node's IPv4 subnet contains the other nodes, the VIP, the address pools and, where IPv4 is flat, the pods.",
			"widen the subnet of the node's address, or move the ranges into it", checkOnLink4,
		},
		{
			"ipv6-on-link", "The node's IPv6 subnet contains the other nodes, the pods, and the address pools.",
			"widen the subnet of the node's address, as in ip -6 address change fd12::2:4/108 dev eth0, or move the ranges into it", checkOnLink6,
		},
	})
}

// checkIPv4Address checks that the host has the node's IPv4 address, on the interface that the manifests name if they
// name one, and that the interface is up.
func checkIPv4Address(s *subject) verdict {
	link := s.link()
	switch {
	case link == nil && s.Interface != "":
		return failed("it has no interface %s, which the manifests name", s.Interface).
			withHint("correct nodes[].interface in ProvisionOptions; the host has %s", formatList(s.linkNames()))
	case link == nil:
		return failed("no interface has %s; the host has %s", s.K8sIP, formatList(s.addresses4()))
	case !s.node.IPv4.IsValid():
		return failed("%s does not have %s; the host has %s", link.Name, s.K8sIP, formatList(s.addresses4()))
	case !link.Up:
		return failed("%s has %s and is down", link.Name, s.node.IPv4).withHint("bring it up: ip link set %s up", link.Name)
	default:
		return passed("%s has %s", link.Name, s.node.IPv4)
	}
}

// linkNames returns the host's interfaces except for the loopback.
func (s *subject) linkNames() []string {
	var names []string
	for _, link := range s.Facts.Links {
		if !link.Loopback {
			names = append(names, link.Name)
		}
	}
	return names
}

// addresses4 describes the host's global IPv4 addresses for a message, or returns "none".
func (s *subject) addresses4() []string {
	var addresses []string
	for _, link := range s.Facts.Links {
		for _, address := range link.Addresses {
			if address.Addr().Is4() && address.Global {
				addresses = append(addresses, fmt.Sprintf("%s on %s", address.Addr(), link.Name))
			}
		}
	}
	if len(addresses) == 0 {
		return []string{"none"}
	}
	return addresses
}

// checkIPv6Enabled checks the node's interface, and "default", which applies to interfaces that are created later. It
// ignores "all": writing it sets every interface, whose own value is the one in effect afterwards.
func checkIPv6Enabled(s *subject) verdict {
	if !s.Facts.IPv6 {
		return failed("the kernel was booted without IPv6")
	}
	var off []string
	for _, name := range []string{s.node.Interface, "default"} {
		if name != "" && s.Facts.Sysctls["net/ipv6/conf/"+name+"/disable_ipv6"] == "1" {
			off = append(off, "net.ipv6.conf."+name+".disable_ipv6")
		}
	}
	if len(off) > 0 {
		return failed("IPv6 is switched off: %s is 1", strings.Join(off, " and "))
	}
	return passed("IPv6 is switched on")
}

// checkDualStack looks for any IPv4 and any global IPv6 address on the node's interface. Whether they can be the
// node's is for other checks.
func checkDualStack(s *subject) verdict {
	var v4, v6 *facts.Address
	link := s.link()
	if link == nil {
		return doesNotApply()
	}
	for i, address := range link.Addresses {
		switch {
		case address.IsGlobal6() && v6 == nil:
			v6 = &link.Addresses[i]
		case address.Addr().Is4() && v4 == nil:
			v4 = &link.Addresses[i]
		}
	}
	const rule = "a dual-stack cluster cannot start on a single-stack network"
	switch {
	case v6 == nil:
		return failed("%s has IPv4 only: %s", link.Name, rule)
	case v4 == nil:
		return failed("%s has IPv6 only: %s", link.Name, rule).withHint("give the interface the node's IPv4 address")
	default:
		return passed("%s has IPv4 and IPv6", link.Name)
	}
}

// checkIPv6Address checks the address that [Host.NodeFacts] has chosen, or explains why it has chosen none.
func checkIPv6Address(s *subject) verdict {
	link := s.link()
	if link == nil {
		return doesNotApply()
	}
	chosen, found := s.choose(link)
	switch {
	case !found && s.IPv6.IsValid():
		return failed("%s does not have %s, which the manifests name", link.Name, s.IPv6).
			withHint("correct nodes[].ipv6 in ProvisionOptions, or add the address: ip -6 address add %s/LENGTH dev %s", s.IPv6, link.Name)
	case !found:
		return failed("%s has no IPv6 address that can be the node's%s", link.Name, unusableReasons(link))
	case unusableReason(chosen) != "":
		return failed("%s on %s cannot be the node's: %s", chosen.Addr(), link.Name, unusableReason(chosen))
	}
	if others := s.otherAddresses(link, chosen); len(others) > 0 && !s.IPv6.IsValid() {
		return passed("%s has %s; nodes[].ipv6 in ProvisionOptions would choose %s instead", link.Name, chosen.Prefix, formatList(others))
	}
	return passed("%s has %s", link.Name, chosen.Prefix)
}

// unusableReasons returns, for the end of a message, why each global IPv6 address cannot be the node's.
func unusableReasons(link *facts.Link) string {
	var words []string
	for _, address := range link.Addresses {
		if address.IsGlobal6() {
			words = append(words, fmt.Sprintf("%s: %s", address.Addr(), unusableReason(address)))
		}
	}
	if len(words) == 0 {
		return ": it has no global one"
	}
	return ": " + strings.Join(words, ", ")
}

// checkOnLink4 checks the node's IPv4 subnet. Pods only count if IPv4 is flat; otherwise their addresses stay behind
// the node's.
func checkOnLink4(s *subject) verdict {
	if !s.node.IPv4.IsValid() {
		return doesNotApply()
	}
	cluster := s.fleet.cluster
	subnet := onLink{Prefix: s.Facts.OnLink(s.node.Interface, s.node.IPv4)}
	subnet.holds(s, s.fleet.span4, cluster.FlatIPv4)
	// keepalived announces the VIP on the balancers' own subnet, so it cannot work anywhere else.
	if vip := cluster.Endpoint.Addr(); s.Balancer && !subnet.Contains(vip) {
		subnet.lacks(Failed, "the control plane's VIP %s", vip)
	}
	return subnet.verdict()
}

// checkOnLink6 checks the node's IPv6 subnet. Pods always count, because IPv6 is always flat.
func checkOnLink6(s *subject) verdict {
	if !s.node.IPv6.IsValid() {
		return doesNotApply()
	}
	subnet := onLink{Prefix: s.node.OnLink6}
	subnet.holds(s, s.fleet.span6, true)
	return subnet.verdict()
}

// onLink is a range that a node reaches without a gateway, and the addresses outside it that should be inside.
type onLink struct {
	netip.Prefix
	// missing describes those addresses.
	missing []string
	// worst is the most severe status of a missing address; empty if none is missing.
	worst Status
}

// lacks adds an address that the range does not contain. status says how severe that is.
func (o *onLink) lacks(status Status, format string, args ...any) {
	o.missing = append(o.missing, fmt.Sprintf(format, args...))
	if o.worst != Failed {
		o.worst = status
	}
}

// holds checks for everything that belongs to a node's subnet: the other nodes, the pods if their addresses are part
// of the L2, and the addresses that the node answers for.
func (o *onLink) holds(s *subject, nodes span, podsToo bool) {
	cluster := s.fleet.cluster
	status := Failed
	if !cluster.Builtin {
		status = Warning // a third-party pod network may tunnel between subnets
	}
	if node := nodes.outside(o.Prefix); node.IsValid() { // one example is enough
		o.lacks(status, "the node %s", node)
	}
	for _, pods := range cluster.PodRanges {
		if podsToo && sameFamily(pods.Addr(), o.Addr()) && !contains(o.Prefix, pods) {
			o.lacks(status, "the flat pod range %s", pods)
		}
	}
	for _, pool := range cluster.Pools {
		inside := o.Contains(pool.From()) && o.Contains(pool.To())
		// A pool elsewhere may be routed to the nodes, so it is only a warning.
		if s.ServesLoadBalancers && sameFamily(pool.From(), o.Addr()) && !inside {
			o.lacks(Warning, "the address pool %s", pool)
		}
	}
}

// verdict lists the missing addresses. A single address without a subnet around it needs another message.
func (o *onLink) verdict() verdict {
	if len(o.missing) == 0 {
		return passed("it reaches %s without a gateway", o.Prefix)
	}
	v := verdict{status: o.worst, message: fmt.Sprintf("its subnet is %s, which lacks %s", o.Prefix, formatList(o.missing))}
	if o.IsSingleIP() {
		v.message = fmt.Sprintf("it has no subnet around %s, and so none that contains %s", o.Addr(), formatList(o.missing))
	}
	return v
}

// sameFamily reports whether both addresses are IPv4 or both are IPv6.
func sameFamily(a, b netip.Addr) bool { return a.Is4() == b.Is4() }

// contains reports whether outer contains all of inner.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}
