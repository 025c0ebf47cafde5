package check

import (
	"net/netip"
)

// minMTU is the smallest MTU in bytes that IPv6 allows for a link; see RFC 8200, section 5.
const minMTU = 1280

// networkChecks returns the checks of the interface's configuration, routes and name servers.
func networkChecks() []Check {
	return allIfReachable([]Check{
		{
			"router-advertisements", "The node's IPv6 address does not depend on a router's advertisements or a DHCP server.",
			"give the interface a static IPv6 address", checkRouterAdvertisements,
		},
		{
			"mtu", "The node's interface has an MTU of 1,280 bytes or more, and the same MTU as those of the other hosts.",
			"set the same MTU on all hosts: ip link set INTERFACE mtu 1500, and in the network's configuration", checkMTU,
		},
		{
			"default-route", "There is a default route in both families.",
			"add the missing route if pods have to reach addresses outside the L2", checkDefaultRoute,
		},
		{
			"dns", "The host has a name server that pods can use as well.",
			"configure one in /etc/resolv.conf that does not listen on the loopback, or run systemd-resolved", checkDNS,
		},
	})
}

// checkRouterAdvertisements warns about node addresses that may disappear. A node forwards packets, and the kernel of a
// router ignores advertisements unless accept_ra is 2; preparing the host takes care of that.
func checkRouterAdvertisements(s *subject) verdict {
	link := s.link()
	if link == nil {
		return doesNotApply()
	}
	chosen, found := s.choose(link)
	switch {
	case !found:
		return doesNotApply()
	case chosen.Dynamic:
		return warning("%s was assigned by a router or a DHCP server: if it changes, the node becomes unreachable", chosen.Addr())
	case s.node.AcceptsRouterAdvertisements:
		return passed("%s is static; routes from router advertisements are kept with accept_ra = 2", chosen.Addr())
	default:
		return passed("%s is static", chosen.Addr())
	}
}

// checkMTU compares with the minimum of IPv6 and with the MTU of most hosts.
func checkMTU(s *subject) verdict {
	mtu, common := s.node.MTU, s.fleet.commonMTU
	switch {
	case mtu == 0:
		return doesNotApply()
	case mtu < minMTU:
		return failed("%s has an MTU of %d, but IPv6 needs %d", s.node.Interface, mtu, minMTU)
	case mtu != common:
		return warning("%s has an MTU of %d, while most hosts have %d", s.node.Interface, mtu, common)
	default:
		return passed("%s has an MTU of %d", s.node.Interface, mtu)
	}
}

// checkDefaultRoute only warns: a cluster works without a default route as long as all peers are on its L2.
func checkDefaultRoute(s *subject) verdict {
	missing := map[bool]string{true: "IPv4", false: "IPv6"} // by whether the family is IPv4
	for _, route := range s.Facts.Routes {
		if route.Prefix.Bits() == 0 {
			delete(missing, route.Prefix.Addr().Is4())
		}
	}
	switch {
	case len(missing) == 2:
		return warning("it has no default route")
	case missing[true] != "" || missing[false] != "":
		return warning("it has no default route for %s%s", missing[true], missing[false])
	default:
		return passed("it has default routes for IPv4 and IPv6")
	}
}

// checkDNS checks for a name server that CoreDNS can forward queries to. CoreDNS does not start without one, or if it
// would forward to itself, as it does for a name server on the loopback: that is the loopback of its pod.
func checkDNS(s *subject) verdict {
	var usable, loopback []string
	for _, server := range s.Facts.Nameservers {
		address, err := netip.ParseAddr(server)
		switch {
		case err != nil: // it is malformed
		case address.IsLoopback():
			loopback = append(loopback, server)
		default:
			usable = append(usable, server)
		}
	}
	switch {
	case len(usable)+len(loopback) == 0:
		return warning("it has no name server, and without one CoreDNS does not start")
	case len(usable) == 0:
		return warning("its only name server is %s, which in CoreDNS's pod is CoreDNS itself", formatList(loopback))
	case len(loopback) > 0:
		// CoreDNS asks all of them in turn, and ends when a query comes back to it.
		return warning("of its name servers, %s is CoreDNS itself in CoreDNS's pod, which then ends", formatList(loopback)).
			withHint("remove %s from /etc/resolv.conf, and keep %s", formatList(loopback), formatList(usable))
	default:
		return passed("names are resolved by %s", usable[0])
	}
}
