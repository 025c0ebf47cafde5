package hostprep

import (
	"fmt"
	"net/netip"
	"strings"
)

func addressChecks() []Check {
	return allIfReachable([]Check{
		{
			"ipv4-address", "An interface has the node's IPv4 address.",
			"correct the node's address in the manifests, or give the interface that address", checkIPv4Address,
		},
		{
			"ipv6-enabled", "IPv6 is switched on, also for interfaces to come, as those of pods.",
			"remove ipv6.disable=1 from the kernel's command line and disable_ipv6 = 1 from /etc/sysctl.d, and reboot", checkIPv6Enabled,
		},
		{
			"dual-stack-network", "The node's interface has IPv4 and IPv6: a dual-stack cluster cannot start on a single-stack network.",
			"make the network dual-stack: give the interface an address in the nodes' IPv6 range, as fd12::2:4/108", checkDualStack,
		},
		{
			"ipv6-address", "The node's interface has a global IPv6 address to stay: not temporary, tentative, deprecated or in use elsewhere.",
			"give the interface a static address, now and for the next boot: ip -6 address add ADDRESS/LENGTH dev INTERFACE", checkIPv6Address,
		},
		{
			"ipv4-on-link", "The node's IPv4 subnet holds the other nodes, the VIP, the address pools and, where IPv4 is flat, the pods.",
			"widen the subnet of the node's address, or move the ranges into it", checkOnLink4,
		},
		{
			"ipv6-on-link", "The node's IPv6 subnet holds the other nodes, the pods, and the address pools.",
			"widen the subnet of the node's address, as in ip -6 address change fd12::2:4/108 dev eth0, or move the ranges into it", checkOnLink6,
		},
	})
}

func checkIPv4Address(s *subject) verdict {
	link := s.link()
	switch {
	case link == nil && s.Interface != "":
		return failed("it has no interface %s, which the manifests name", s.Interface).
			withHint("correct nodes[].interface in ProvisionOptions; the host has %s", formatList(s.linkNames()))
	case link == nil:
		return failed("no interface has %s; the host has %s", s.K8sIP, formatList(s.addresses4()))
	case !s.node.IPv4.IsValid():
		return failed("%s has not got %s; the host has %s", link.Name, s.K8sIP, formatList(s.addresses4()))
	case !link.Up:
		return failed("%s has %s and is down", link.Name, s.node.IPv4).withHint("bring it up: ip link set %s up", link.Name)
	default:
		return passed("%s has %s", link.Name, s.node.IPv4)
	}
}

func (s *subject) linkNames() []string {
	var names []string
	for _, link := range s.Facts.Links {
		if !link.Loopback {
			names = append(names, link.Name)
		}
	}
	return names
}

// addresses4 are the host's IPv4 addresses that others could reach it by.
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

// checkIPv6Enabled: "all" counts when an interface has no say of its own, and "default" for those that
// are made later.
func checkIPv6Enabled(s *subject) verdict {
	if !s.Facts.IPv6 {
		return failed("the kernel was started without IPv6")
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

func checkDualStack(s *subject) verdict {
	var v4, v6 *Address
	link := s.link()
	if link == nil {
		return doesNotApply()
	}
	for i, address := range link.Addresses {
		switch {
		case address.isGlobal6() && v6 == nil:
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

func checkIPv6Address(s *subject) verdict {
	link := s.link()
	if link == nil {
		return doesNotApply()
	}
	chosen, found := s.choose(link)
	switch {
	case !found && s.IPv6.IsValid():
		return failed("%s has not got %s, which the manifests name", link.Name, s.IPv6).
			withHint("correct nodes[].ipv6 in ProvisionOptions, or add the address: ip -6 address add %s/LENGTH dev %s", s.IPv6, link.Name)
	case !found:
		return failed("%s has no IPv6 address that can be the node's%s", link.Name, unusableReasons(link))
	case chosen.unusableReason() != "":
		return failed("%s on %s cannot be the node's: %s", chosen.Addr(), link.Name, chosen.unusableReason())
	default:
		return passed("%s has %s", link.Name, chosen.Prefix)
	}
}

// unusableReasons says of each global address why it cannot be the node's.
func unusableReasons(link *Link) string {
	var words []string
	for _, address := range link.Addresses {
		if address.isGlobal6() {
			words = append(words, fmt.Sprintf("%s: %s", address.Addr(), address.unusableReason()))
		}
	}
	if len(words) == 0 {
		return ": it has none that is global"
	}
	return ": " + strings.Join(words, ", ")
}

func checkOnLink4(s *subject) verdict {
	if !s.node.IPv4.IsValid() {
		return doesNotApply()
	}
	cluster := s.fleet.cluster
	subnet := onLink{Prefix: s.Facts.onLink(s.node.Interface, s.node.IPv4)}
	subnet.holds(s, s.fleet.span4, cluster.FlatIPv4)
	if vip := cluster.Endpoint.Addr(); s.Balancer && cluster.Bundled && !subnet.Contains(vip) {
		subnet.lacks(Failed, "the control plane's VIP %s", vip)
	}
	return subnet.verdict()
}

func checkOnLink6(s *subject) verdict {
	if !s.node.IPv6.IsValid() {
		return doesNotApply()
	}
	subnet := onLink{Prefix: s.node.OnLink6}
	subnet.holds(s, s.fleet.span6, true)
	return subnet.verdict()
}

// onLink is a range that a node reaches without a gateway, and what it lacks.
type onLink struct {
	netip.Prefix
	missing []string
	worst   Status
}

func (o *onLink) lacks(status Status, format string, args ...any) {
	o.missing = append(o.missing, fmt.Sprintf(format, args...))
	if o.worst != Failed {
		o.worst = status
	}
}

// holds looks for what belongs into a node's subnet: the other nodes, pods where they have addresses
// of the L2, and addresses that the node is to answer for.
func (o *onLink) holds(s *subject, nodes span, podsToo bool) {
	cluster := s.fleet.cluster
	status := Failed
	if !cluster.Builtin {
		status = Warning // a pod network of the user's own may tunnel
	}
	if node := nodes.outside(o.Prefix); node.IsValid() {
		o.lacks(status, "the node %s", node)
	}
	for _, pods := range cluster.PodRanges {
		if podsToo && sameFamily(pods.Addr(), o.Addr()) && !contains(o.Prefix, pods) {
			o.lacks(status, "the flat pod range %s", pods)
		}
	}
	for _, pool := range cluster.Pools {
		inside := o.Contains(pool.From()) && o.Contains(pool.To())
		if s.ServesLoadBalancers && sameFamily(pool.From(), o.Addr()) && !inside {
			o.lacks(Warning, "the address pool %s", pool)
		}
	}
}

func (o *onLink) verdict() verdict {
	if len(o.missing) == 0 {
		return passed("it reaches %s without a gateway", o.Prefix)
	}
	v := verdict{status: o.worst, message: fmt.Sprintf("its subnet is %s, which lacks %s", o.Prefix, formatList(o.missing))}
	if o.IsSingleIP() {
		v.message = fmt.Sprintf("it has no subnet around %s, and so none that holds %s", o.Addr(), formatList(o.missing))
	}
	return v
}

func sameFamily(a, b netip.Addr) bool { return a.Is4() == b.Is4() }

// contains reports whether all of inner is in outer.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}
