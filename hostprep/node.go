package hostprep

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// NodeFacts is what a node's configuration is made of.
type NodeFacts struct {
	// Name is the name that the Node object gets.
	Name string
	// Interface is the one with the node's IPv4 address; empty when there is none.
	Interface string
	// MTU is that of Interface.
	MTU int
	// IPv4 and IPv6 are the node's addresses with their subnets, invalid when there is none. IPv4 is
	// given by the manifests, IPv6 is chosen by [Host.NodeFacts].
	IPv4, IPv6 netip.Prefix
	// OnLink6 is the widest IPv6 range around IPv6 that the host reaches without a gateway.
	OnLink6 netip.Prefix
	// AcceptsRouterAdvertisements says that the kernel configures Interface from router advertisements.
	AcceptsRouterAdvertisements bool
	// FirewalldZone is the zone of Interface; empty where firewalld does not run.
	FirewalldZone string
	// Nameservers are those that the host asks, and its pods' DNS by way of it.
	Nameservers []netip.Addr
	// Container and CgroupV1 say what kind of host it is.
	Container, CgroupV1 bool
}

// NodeFacts derives what the node's configuration is made of. What the manifests say wins, and is
// there only when the host has it.
func (h *Host) NodeFacts() NodeFacts {
	facts := &h.Facts
	node := NodeFacts{
		Name:      strings.ToLower(strings.TrimSpace(facts.Hostname)),
		Container: facts.Container != "",
		CgroupV1:  facts.Cgroup.Version == 1,
	}
	for _, server := range facts.Nameservers {
		if address, err := netip.ParseAddr(server); err == nil {
			node.Nameservers = append(node.Nameservers, address.Unmap().WithZone(""))
		}
	}
	link := h.link()
	if link == nil {
		return node
	}
	node.Interface, node.MTU = link.Name, link.MTU
	node.IPv4 = prefixOf(link, h.K8sIP)
	if chosen, found := h.choose(link); found {
		node.IPv6 = chosen.Prefix
		node.OnLink6 = facts.onLink(link.Name, chosen.Prefix)
	}
	node.AcceptsRouterAdvertisements = facts.acceptsRouterAdvertisements(link.Name)
	if facts.Units["firewalld"].Active {
		node.FirewalldZone = facts.Firewalld.zoneOf(link.Name)
	}
	return node
}

// link is the node's interface: the one the manifests name, else the one with the node's IPv4 address.
func (h *Host) link() *Link {
	for i := range h.Facts.Links {
		link := &h.Facts.Links[i]
		if h.Interface == link.Name || h.Interface == "" && prefixOf(link, h.K8sIP).IsValid() {
			return link
		}
	}
	return nil
}

// prefixOf is an address of an interface with its subnet; invalid when the interface has not got it.
func prefixOf(link *Link, address netip.Addr) netip.Prefix {
	for _, a := range link.Addresses {
		if a.Addr() == address {
			return a.Prefix
		}
	}
	return netip.Prefix{}
}

// choose picks the node's IPv6 address: the one the manifests name; else the best of those that can
// be used. An address that stays is better than one that a router or a DHCP server gave, one with a
// subnet is better than one alone, and then the lowest is taken, so that every run picks the same.
func (h *Host) choose(link *Link) (Address, bool) {
	var best Address
	for _, candidate := range link.Addresses {
		if candidate.Addr() == h.IPv6 {
			return candidate, true
		}
		usable := candidate.isGlobal6() && candidate.unusableReason() == ""
		if usable && (!best.Prefix.IsValid() || candidate.compare(best) < 0) {
			best = candidate
		}
	}
	return best, best.Prefix.IsValid() && !h.IPv6.IsValid()
}

func (a Address) isGlobal6() bool { return a.Addr().Is6() && a.Global }

// unusableReason says why an address cannot be a node's; empty when it can.
func (a Address) unusableReason() string {
	switch {
	case a.Duplicate:
		return "another host has it, too"
	case a.Tentative:
		return "it is still being checked for duplicates"
	case a.Temporary:
		return "it is temporary"
	case a.Deprecated:
		return "it is deprecated"
	default:
		return ""
	}
}

// compare is below 0 when a is the better address of a node.
func (a Address) compare(b Address) int {
	return cmp.Or(
		compareBool(a.Dynamic, b.Dynamic),
		compareBool(a.Prefix.IsSingleIP(), b.Prefix.IsSingleIP()),
		a.Addr().Compare(b.Addr()),
	)
}

// compareBool puts false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// onLink is the widest range around an address that an interface reaches without a gateway: the
// address's own subnet, or that of a route.
func (f *Facts) onLink(link string, address netip.Prefix) netip.Prefix {
	widest := address.Masked()
	for _, route := range f.Routes {
		if route.Interface == link && !route.Gateway && route.Prefix.Bits() > 0 &&
			route.Prefix.Contains(address.Addr()) && route.Prefix.Bits() < widest.Bits() {
			widest = route.Prefix
		}
	}
	return widest
}

// acceptsRouterAdvertisements reports whether the kernel itself acts on router advertisements and there
// are any. Where a program does it instead, as systemd-networkd, accept_ra is 0.
func (f *Facts) acceptsRouterAdvertisements(link string) bool {
	switch f.Sysctls["net/ipv6/conf/"+link+"/accept_ra"] {
	case "1", "2":
	default:
		return false
	}
	for _, l := range f.Links {
		for _, address := range l.Addresses {
			if l.Name == link && address.isGlobal6() && address.Dynamic {
				return true
			}
		}
	}
	return slices.ContainsFunc(f.Routes, func(r Route) bool { return r.Interface == link && r.FromRouter })
}

// zoneOf is the zone of firewalld that an interface is in.
func (f Firewalld) zoneOf(link string) string {
	return cmp.Or(f.Zones[link], f.DefaultZone)
}
