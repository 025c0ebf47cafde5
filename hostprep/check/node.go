package check

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// NodeFacts holds the facts that a node's configuration is rendered from.
type NodeFacts struct {
	// Name is the name of the Node object: the hostname in lower case.
	Name string
	// Interface is the interface with the node's IPv4 address, or the one that the manifests name; empty if the host
	// does not have it.
	Interface string
	// MTU is the MTU of Interface in bytes.
	MTU int
	// IPv4 and IPv6 are the node's addresses with their subnets, or zero if the host does not have them. IPv4 comes
	// from the manifests, IPv6 is chosen by [Host.NodeFacts].
	IPv4, IPv6 netip.Prefix
	// OnLink6 is the widest IPv6 range around IPv6 that the host reaches without a gateway.
	OnLink6 netip.Prefix
	// AcceptsRouterAdvertisements reports that the kernel configures Interface from router advertisements.
	AcceptsRouterAdvertisements bool
	// FirewalldZone is the zone of Interface; empty if firewalld does not run.
	FirewalldZone string
	// Nameservers lists the host's name servers, to which the DNS server of its pods forwards.
	Nameservers []netip.Addr
	// Container and CgroupV1 report that the host is a container, and that its control groups are version 1.
	Container, CgroupV1 bool
}

// NodeFacts derives the facts for the node's configuration. Values in the manifests override the choice from the host's
// facts, but only appear in the result if the host has them.
func (h *Host) NodeFacts() NodeFacts {
	known := &h.Facts
	node := NodeFacts{
		Name:      strings.ToLower(strings.TrimSpace(known.Hostname)),
		Container: known.Container != "",
		CgroupV1:  known.Cgroup.Version == 1,
	}
	for _, server := range known.Nameservers {
		if address, err := netip.ParseAddr(server); err == nil {
			// Zones name interfaces of the host, which mean nothing to pods.
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
		node.OnLink6 = known.OnLink(link.Name, chosen.Prefix)
	}
	node.AcceptsRouterAdvertisements = known.AcceptsRouterAdvertisements(link.Name)
	if known.Units["firewalld"].Active {
		node.FirewalldZone = known.Firewalld.ZoneOf(link.Name)
	}
	return node
}

// link returns the node's interface: the one that the manifests name, else the one with the node's IPv4 address. It
// returns nil if the host does not have it.
func (h *Host) link() *facts.Link {
	for i := range h.Facts.Links {
		link := &h.Facts.Links[i]
		if h.Interface == link.Name || h.Interface == "" && prefixOf(link, h.K8sIP).IsValid() {
			return link
		}
	}
	return nil
}

// prefixOf returns an address of an interface with its subnet, or the zero Prefix if the interface does not have it.
func prefixOf(link *facts.Link, address netip.Addr) netip.Prefix {
	for _, a := range link.Addresses {
		if a.Addr() == address {
			return a.Prefix
		}
	}
	return netip.Prefix{}
}

// choose returns the node's IPv6 address and whether there is one: the one that the manifests name, usable or not, else
// the best of the usable ones. Addresses from which the node reaches what the cluster needs come before others, static ones
// before those from a router or a DHCP server, and addresses with a subnet before single ones. Of the rest the lowest is
// taken, so that every run chooses the same.
func (h *Host) choose(link *facts.Link) (facts.Address, bool) {
	var best facts.Address
	for _, candidate := range link.Addresses {
		if candidate.Addr() == h.IPv6 { // a check reports if it is not usable
			return candidate, true
		}
		usable := candidate.IsGlobal6() && unusableReason(candidate) == ""
		if usable && (!best.Prefix.IsValid() || h.compareAddresses(link, candidate, best) < 0) {
			best = candidate
		}
	}
	// If the manifests name an address that the host does not have, no other one takes its place.
	return best, best.Prefix.IsValid() && !h.IPv6.IsValid()
}

// unusableReason returns why an address cannot be a node's, or "" if it can.
func unusableReason(a facts.Address) string {
	switch {
	case a.Duplicate:
		return "another host has it as well"
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

// otherAddresses returns the addresses of an interface that could also be the node's, without the chosen one.
func (h *Host) otherAddresses(link *facts.Link, chosen facts.Address) []netip.Addr {
	var others []netip.Addr
	for _, address := range link.Addresses {
		if address.IsGlobal6() && unusableReason(address) == "" && address.Addr() != chosen.Addr() {
			others = append(others, address.Addr())
		}
	}
	return others
}

// compareAddresses returns a negative number if a is the better address for the node, and a positive one if b is.
func (h *Host) compareAddresses(link *facts.Link, a, b facts.Address) int {
	lacks := func(address facts.Address) bool {
		onLink := h.Facts.OnLink(link.Name, address.Prefix)
		return slices.ContainsFunc(h.OnLink6, func(needed netip.Prefix) bool { return !contains(onLink, needed) })
	}
	return cmp.Or(
		compareBool(lacks(a), lacks(b)),
		compareBool(a.Dynamic, b.Dynamic),
		compareBool(a.Prefix.IsSingleIP(), b.Prefix.IsSingleIP()),
		a.Addr().Compare(b.Addr()),
	)
}

// compareBool orders false before true.
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
