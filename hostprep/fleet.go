package hostprep

import (
	"net/netip"
	"slices"
	"time"
)

// subject is a host as checks see it.
type subject struct {
	*Host
	node    NodeFacts
	belongs Ownership
	fleet   *fleet
}

// fleet is all hosts of a cluster, and what is only seen when they are looked at together.
type fleet struct {
	cluster  *Cluster
	subjects []subject

	// byName and so on are the hosts that say they have it, in their order.
	byName, byMachineID, byProductUUID, byMAC, byCAHash map[string][]*subject
	// commonMTU is that of most hosts.
	commonMTU int
	// clock is the middle one of the hosts' clocks.
	clock Clock
	// span4 and span6 are the lowest and the highest address of a node. A range that has both has all.
	span4, span6 span
}

// span is the lowest and the highest of some addresses.
type span struct{ low, high netip.Addr }

func (s *span) add(address netip.Addr) {
	if !address.IsValid() {
		return
	}
	if !s.low.IsValid() || address.Less(s.low) {
		s.low = address
	}
	if !s.high.IsValid() || s.high.Less(address) {
		s.high = address
	}
}

// outside gives an address that a range lacks, or an invalid one when it has all.
func (s span) outside(prefix netip.Prefix) netip.Addr {
	for _, address := range []netip.Addr{s.low, s.high} {
		if address.IsValid() && !prefix.Contains(address) {
			return address
		}
	}
	return netip.Addr{}
}

func newFleet(cluster *Cluster, hosts []Host) *fleet {
	f := &fleet{
		cluster: cluster, subjects: make([]subject, len(hosts)),
		byName: map[string][]*subject{}, byMachineID: map[string][]*subject{}, byProductUUID: map[string][]*subject{},
		byMAC: map[string][]*subject{}, byCAHash: map[string][]*subject{},
	}
	for i := range hosts {
		s := &f.subjects[i]
		*s = subject{Host: &hosts[i], fleet: f}
		if s.Err == nil {
			f.add(s)
		}
	}
	f.clock = middleClock(f.subjects)
	f.commonMTU = commonMTU(f.subjects)
	return f
}

// add takes a host that answered into the indexes.
func (f *fleet) add(s *subject) {
	s.node = s.NodeFacts()
	s.belongs = s.OwnedBy(f.cluster)
	index(f.byName, s.node.Name, s)
	index(f.byMachineID, s.Facts.MachineID, s)
	index(f.byProductUUID, s.Facts.ProductUUID, s)
	if link := s.link(); link != nil {
		index(f.byMAC, link.MAC, s)
	}
	if s.belongs == Ours {
		index(f.byCAHash, s.Facts.Membership.CAHash, s)
	}
	f.span4.add(s.K8sIP)
	f.span6.add(s.node.IPv6.Addr())
}

func index(hosts map[string][]*subject, key string, s *subject) {
	if key != "" {
		hosts[key] = append(hosts[key], s)
	}
}

// others are the addresses of the hosts that have the same key as s.
func (s *subject) others(hosts map[string][]*subject, key string) []netip.Addr {
	var addresses []netip.Addr
	for _, other := range hosts[key] {
		if other != s {
			addresses = append(addresses, other.Address)
		}
	}
	return addresses
}

// middleClock is the median: a host whose clock is wrong cannot make the others look wrong.
func middleClock(subjects []subject) Clock {
	var clocks []Clock
	for i := range subjects {
		if clock := subjects[i].Facts.Clock; clock.Known {
			clocks = append(clocks, clock)
		}
	}
	if len(clocks) == 0 {
		return Clock{}
	}
	slices.SortStableFunc(clocks, func(a, b Clock) int { return int(max(-1, min(1, a.Ahead-b.Ahead))) })
	return clocks[len(clocks)/2]
}

// distance is how far two clocks are apart for sure.
func (c Clock) distance(other Clock) time.Duration {
	return max(0, (c.Ahead-other.Ahead).Abs()-c.Uncertainty-other.Uncertainty)
}

// commonMTU is the one that most hosts have, the smallest of them when there is a draw.
func commonMTU(subjects []subject) int {
	counts := map[int]int{}
	common := 0
	for i := range subjects {
		mtu := subjects[i].node.MTU
		if mtu == 0 {
			continue
		}
		counts[mtu]++
		if counts[mtu] > counts[common] || counts[mtu] == counts[common] && mtu < common {
			common = mtu
		}
	}
	return common
}
