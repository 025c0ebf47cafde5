package check

import (
	"net/netip"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

func identityCases() []checkCase {
	return []checkCase{
		{"hostname", "its own", Passed, asIs},
		{"hostname", "capitals", Passed, having(func(f *facts.Host) { f.Hostname = "Host-4" })},
		{"hostname", "that of another host", Failed, func(s *scene) { s.hosts[2].Facts.Hostname = "HOST-4" }},
		{"hostname", "localhost", Failed, having(func(f *facts.Host) { f.Hostname = "localhost.localdomain" })},
		{"hostname", "not a name", Failed, having(func(f *facts.Host) { f.Hostname = "host_4" })},
		{"hostname", "too long", Failed, having(func(f *facts.Host) { f.Hostname = strings.Repeat("h", 60) + ".example.com" })},
		{"hostname", "none", Failed, having(func(f *facts.Host) { f.Hostname = "" })},
		{"machine-id", "its own", Passed, asIs},
		{"machine-id", "that of others", Failed, func(s *scene) {
			s.hosts[1].Facts.MachineID, s.hosts[2].Facts.MachineID = s.first().Facts.MachineID, s.first().Facts.MachineID
		}},
		{"machine-id", "uninitialized", Failed, having(func(f *facts.Host) { f.MachineID = "uninitialized" })},
		{"machine-id", "a cloned virtual machine", Warning, func(s *scene) { s.hosts[1].Facts.ProductUUID = s.first().Facts.ProductUUID }},
		{"machine-id", "containers on one machine", Passed, func(s *scene) {
			s.hosts[1].Facts.ProductUUID = s.first().Facts.ProductUUID
			s.first().Facts.Container = "podman"
		}},
		{"mac-address", "its own", Passed, asIs},
		{"mac-address", "that of another host", Failed, func(s *scene) { s.hosts[1].eth0().MAC = s.first().eth0().MAC }},
		{"mac-address", "of an interface that is not the node's", Passed, func(s *scene) {
			s.hosts[1].Facts.Links = append(s.hosts[1].Facts.Links, facts.Link{Name: "docker0", MAC: s.first().eth0().MAC})
		}},
	}
}

func addressCases() []checkCase {
	return []checkCase{
		{"ipv4-address", "on eth0", Passed, asIs},
		{"ipv4-address", "another address", Failed, func(s *scene) { s.first().K8sIP = netip.MustParseAddr("10.3.0.4") }},
		{"ipv4-address", "an interface that is not there", Failed, func(s *scene) { s.first().Interface = "bond0" }},
		{"ipv4-address", "another interface", Failed, func(s *scene) { s.first().Interface = "lo" }},
		{"ipv4-address", "no address at all", Failed, func(s *scene) { s.first().eth0().Addresses = nil }},
		{"ipv4-address", "down", Failed, func(s *scene) { s.first().eth0().Up = false }},
		{"ipv6-enabled", "on", Passed, asIs},
		{"ipv6-enabled", "off for eth0", Failed, having(func(f *facts.Host) { f.Sysctls["net/ipv6/conf/eth0/disable_ipv6"] = "1" })},
		{"ipv6-enabled", "off for all, on again for eth0", Passed, having(func(f *facts.Host) {
			f.Sysctls["net/ipv6/conf/all/disable_ipv6"] = "1"
			f.Sysctls["net/ipv6/conf/eth0/disable_ipv6"] = "0"
		})},
		{"ipv6-enabled", "off for interfaces to come", Failed, having(func(f *facts.Host) {
			f.Sysctls["net/ipv6/conf/default/disable_ipv6"] = "1"
		})},
		{"ipv6-enabled", "not in the kernel", Failed, having(func(f *facts.Host) { f.IPv6 = false })},
		{"dual-stack-network", "both families", Passed, asIs},
		{"dual-stack-network", "link-local only", Failed, func(s *scene) {
			s.first().setIPv6(facts.Address{Prefix: netip.MustParsePrefix("fe80::4/64")})
		}},
		{"dual-stack-network", "IPv6 only", Failed, func(s *scene) {
			s.first().Interface = "eth0"
			s.first().eth0().Addresses = s.first().eth0().Addresses[1:]
		}},
		{"ipv6-address", "static", Passed, asIs},
		{"ipv6-address", "none", Failed, func(s *scene) { s.first().setIPv6() }},
		{"ipv6-address", "temporary only", Failed, func(s *scene) { s.first().setIPv6(flawed("fd12::2:4/108", "temporary")) }},
		{"ipv6-address", "every flaw", Failed, func(s *scene) {
			s.first().setIPv6(flawed("fd12::2:4/108", "tentative"), flawed("fd12::2:5/108", "duplicate"), flawed("fd12::2:6/108", "deprecated"))
		}},
		{"ipv6-address", "a global one beside it", Passed, besideGlobal},
		{"ipv6-address", "the manifests name one", Passed, func(s *scene) {
			s.first().IPv6 = netip.MustParseAddr("fd12::2:99")
			s.first().setIPv6(address6("fd12::2:4/108"), address6("fd12::2:99/108"))
		}},
		{"ipv6-address", "the manifests name one that is not there", Failed, func(s *scene) {
			s.first().IPv6 = netip.MustParseAddr("fd12::2:99")
		}},
		{"ipv6-address", "the manifests name a duplicate", Failed, func(s *scene) {
			s.first().IPv6 = netip.MustParseAddr("fd12::2:4")
			s.first().setIPv6(flawed("fd12::2:4/108", "duplicate"), address6("fd12::2:5/108"))
		}},
		{"ipv4-on-link", "one subnet", Passed, asIs},
		{"ipv4-on-link", "a node elsewhere", Failed, func(s *scene) {
			s.hosts[2].K8sIP = netip.MustParseAddr("10.3.0.6")
			s.hosts[2].eth0().Addresses[0].Prefix = netip.MustParsePrefix("10.3.0.6/24")
		}},
		{"ipv4-on-link", "VIP elsewhere", Failed, func(s *scene) { s.cluster.Endpoint = netip.MustParseAddrPort("10.9.0.175:443") }},
		{"ipv4-on-link", "VIP of another load balancer elsewhere", Passed, func(s *scene) {
			s.cluster.Endpoint = netip.MustParseAddrPort("10.9.0.175:443")
			s.withoutBalancers()
		}},
		{"ipv4-on-link", "flat pods elsewhere", Failed, func(s *scene) { s.cluster.FlatIPv4 = true }},
		{"ipv4-on-link", "no address", "", func(s *scene) { s.first().K8sIP = netip.MustParseAddr("10.3.0.4") }},
		{"ipv6-on-link", "one subnet", Passed, asIs},
		{"ipv6-on-link", "a global one beside it", Passed, besideGlobal},
		{"ipv6-on-link", "a /128", Failed, func(s *scene) { s.first().setIPv6(address6("fd12::2:4/128")) }},
		{"ipv6-on-link", "a /128 and a route", Passed, func(s *scene) {
			s.first().setIPv6(address6("fd12::2:4/128"))
			s.first().Facts.Routes = append(s.first().Facts.Routes, facts.Route{Prefix: netip.MustParsePrefix("fd12::/108"), Interface: "eth0"})
		}},
		{"ipv6-on-link", "a route on another interface", Failed, func(s *scene) {
			s.first().setIPv6(address6("fd12::2:4/128"))
			s.first().Facts.Routes = append(s.first().Facts.Routes, facts.Route{Prefix: netip.MustParsePrefix("fd12::/108"), Interface: "eth1"})
		}},
		{"ipv6-on-link", "pods elsewhere", Failed, func(s *scene) { s.first().setIPv6(address6("fd12::2:4/112")) }},
		{"ipv6-on-link", "pods elsewhere, with a pod network that may tunnel", Warning, func(s *scene) {
			s.cluster.Builtin = false
			s.first().setIPv6(address6("fd12::2:4/112"))
		}},
		{"ipv6-on-link", "pools elsewhere", Warning, func(s *scene) {
			s.cluster.PodRanges = nil
			s.first().setIPv6(address6("fd12::2:4/112"))
		}},
		{"ipv6-on-link", "a node elsewhere", Failed, func(s *scene) { s.hosts[1].setIPv6(address6("fd13::2:5/108")) }},
		{"ipv6-on-link", "no address", "", func(s *scene) { s.first().setIPv6() }},
	}
}

// besideGlobal adds a lower address to the first host, from which it does not reach the pods.
func besideGlobal(s *scene) {
	s.first().OnLink6 = []netip.Prefix{netip.MustParsePrefix("fd12::1:0/112")}
	s.first().setIPv6(address6("2001:db8:1::4/64"), address6("fd12::2:4/108"))
}

// flawed returns an address that cannot be a node's because of the named property.
func flawed(prefix, flaw string) facts.Address {
	a := address6(prefix)
	a.Temporary, a.Tentative = flaw == "temporary", flaw == "tentative"
	a.Duplicate, a.Deprecated = flaw == "duplicate", flaw == "deprecated"
	return a
}

func networkCases() []checkCase {
	return []checkCase{
		{"router-advertisements", "static", Passed, asIs},
		{"router-advertisements", "SLAAC", Warning, func(s *scene) {
			address := address6("fd12::2:4/108")
			address.Dynamic = true
			s.first().setIPv6(address)
		}},
		{"router-advertisements", "static, with routes from a router", Passed, func(s *scene) {
			s.first().Facts.Sysctls["net/ipv6/conf/eth0/accept_ra"] = "1"
			s.first().Facts.Routes[1].FromRouter = true
		}},
		{"router-advertisements", "no address", "", func(s *scene) { s.first().setIPv6() }},
		{"mtu", "that of the others", Passed, asIs},
		{"mtu", "jumbo frames here only", Warning, func(s *scene) { s.first().eth0().MTU = 9000 }},
		{"mtu", "too small for IPv6", Failed, func(s *scene) { s.first().eth0().MTU = 1200 }},
		{"default-route", "both", Passed, asIs},
		{"default-route", "IPv4 only", Warning, having(func(f *facts.Host) { f.Routes = f.Routes[:1] })},
		{"default-route", "IPv6 only", Warning, having(func(f *facts.Host) { f.Routes = f.Routes[1:] })},
		{"default-route", "none", Warning, having(func(f *facts.Host) { f.Routes = nil })},
		{"dns", "one", Passed, asIs},
		{"dns", "the loopback only", Warning, having(func(f *facts.Host) { f.Nameservers = []string{"127.0.0.53"} })},
		{"dns", "the loopback beside another", Warning, having(func(f *facts.Host) { f.Nameservers = []string{"127.0.0.1", "10.2.0.1"} })},
		{"dns", "none", Warning, having(func(f *facts.Host) { f.Nameservers = nil })},
	}
}
