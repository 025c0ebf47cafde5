package hostprep

import (
	"net/netip"
	"strings"
)

// minMTU is what links have to carry for IPv6; see RFC 8200, section 5.
const minMTU = 1280

func networkChecks() []Check {
	return allIfReachable([]Check{
		{
			"router-advertisements", "The node's IPv6 address does not depend on a router's advertisements or a DHCP server.",
			"give the interface a static IPv6 address", checkRouterAdvertisements,
		},
		{
			"mtu", "The node's interface carries packets of 1,280 bytes or more, and as large ones as those of the other hosts.",
			"set the same MTU on all hosts: ip link set INTERFACE mtu 1500, and in the network's configuration", checkMTU,
		},
		{
			"default-route", "There is a default route in both families.",
			"add the missing route, if pods are to reach what is beyond the L2", checkDefaultRoute,
		},
		{
			"dns", "The host has a name server that pods can use, too.",
			"name one in /etc/resolv.conf that is not on the loopback, or run systemd-resolved", checkDNS,
		},
	})
}

// checkRouterAdvertisements warns of addresses that may go. That the kernel of a router ignores
// advertisements is taken care of when the host is prepared.
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
		return warning("%s is from a router or a DHCP server: when it changes, the node is lost", chosen.Addr())
	case s.node.AcceptsRouterAdvertisements:
		return passed("%s is static; routes from router advertisements are kept with accept_ra = 2", chosen.Addr())
	default:
		return passed("%s is static", chosen.Addr())
	}
}

func checkMTU(s *subject) verdict {
	mtu, common := s.node.MTU, s.fleet.commonMTU
	switch {
	case mtu == 0:
		return doesNotApply()
	case mtu < minMTU:
		return failed("%s has an MTU of %d, and IPv6 needs %d", s.node.Interface, mtu, minMTU)
	case mtu != common:
		return warning("%s has an MTU of %d, while most hosts have %d", s.node.Interface, mtu, common)
	default:
		return passed("%s has an MTU of %d", s.node.Interface, mtu)
	}
}

func checkDefaultRoute(s *subject) verdict {
	missing := map[bool]string{true: "IPv4", false: "IPv6"}
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

// checkDNS warns: CoreDNS passes on what it does not know to the host's name servers, and does not
// start when there is none or when that would be itself.
func checkDNS(s *subject) verdict {
	servers := s.Facts.Nameservers
	for _, server := range servers {
		if address, err := netip.ParseAddr(server); err == nil && !address.IsLoopback() {
			return passed("names are resolved by %s", server)
		}
	}
	if len(servers) == 0 {
		return warning("it names no name server, and without one CoreDNS does not start")
	}
	return warning("its only name server is %s, where CoreDNS would find nobody but itself", strings.Join(servers, ", "))
}
