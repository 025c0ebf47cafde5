package check

import (
	"net/netip"
	"slices"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// subject is the host that a check evaluates, with access to the other hosts.
type subject struct {
	*Host
	// node and ownership are derived from the host's facts; zero if the host did not answer.
	node      NodeFacts
	ownership Ownership
	fleet     *fleet
}

// fleet holds all hosts of a cluster and the data that comparing them takes. It is computed once, so that evaluating
// every check for every host does not compare every host with every other one.
type fleet struct {
	cluster  *Cluster
	subjects []subject

	// These are indexes of the hosts that answered, by a property that should be unique (byCAHash: equal), in the
	// order of the hosts. Hosts without the property are left out.
	byName, byMachineID, byProductUUID, byMAC, byCAHash map[string][]*subject
	// balances reports whether hosts answer for the control plane's VIP or for addresses of Services.
	balances bool
	// commonMTU is the MTU of most hosts.
	commonMTU int
	// clock is the median of the hosts' clocks.
	clock facts.Clock
	// span4 and span6 are the spans of the node addresses. A prefix that contains both ends contains all of them.
	span4, span6 span
}

// span is the lowest and the highest of a number of addresses; both are zero without any.
type span struct{ low, high netip.Addr }

// add extends the span by an address. It ignores the zero Addr.
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

// outside returns an end of the span that the prefix does not contain, or the zero Addr if it contains both.
func (s span) outside(prefix netip.Prefix) netip.Addr {
	for _, address := range []netip.Addr{s.low, s.high} {
		if address.IsValid() && !prefix.Contains(address) {
			return address
		}
	}
	return netip.Addr{}
}

// newFleet indexes the hosts.
func newFleet(cluster *Cluster, hosts []Host) *fleet {
	f := &fleet{
		cluster: cluster, subjects: make([]subject, len(hosts)),
		byName: map[string][]*subject{}, byMachineID: map[string][]*subject{}, byProductUUID: map[string][]*subject{},
		byMAC: map[string][]*subject{}, byCAHash: map[string][]*subject{},
	}
	for i := range hosts {
		s := &f.subjects[i] // the indexes hold pointers into the slice, which does not grow any more
		*s = subject{Host: &hosts[i], fleet: f}
		if s.Err == nil {
			f.add(s)
		}
	}
	_, f.balances = balancers(hosts)
	f.clock = medianClock(f.subjects)
	f.commonMTU = commonMTU(f.subjects)
	return f
}

// add adds a host that answered to the indexes.
func (f *fleet) add(s *subject) {
	s.node = s.NodeFacts()
	s.ownership = s.OwnedBy(f.cluster)
	index(f.byName, s.node.Name, s)
	index(f.byMachineID, s.Facts.MachineID, s)
	index(f.byProductUUID, s.Facts.ProductUUID, s)
	if link := s.link(); link != nil {
		index(f.byMAC, link.MAC, s)
	}
	// Hosts of other clusters have other certificate authorities by right.
	if s.ownership == Ours {
		index(f.byCAHash, s.Facts.Membership.CAHash, s)
	}
	f.span4.add(s.K8sIP)
	f.span6.add(s.node.IPv6.Addr())
}

// index adds a host under a key, unless the key is empty.
func index(hosts map[string][]*subject, key string, s *subject) {
	if key != "" {
		hosts[key] = append(hosts[key], s)
	}
}

// others returns the addresses of the other hosts with the given key.
func (s *subject) others(hosts map[string][]*subject, key string) []netip.Addr {
	var addresses []netip.Addr
	for _, other := range hosts[key] {
		if other != s {
			addresses = append(addresses, other.Address)
		}
	}
	return addresses
}

// medianClock returns the median of the known clocks. Unlike the average, it does not change much if one clock is wrong,
// so that the other hosts still pass.
func medianClock(subjects []subject) facts.Clock {
	var clocks []facts.Clock
	for i := range subjects {
		if clock := subjects[i].Facts.Clock; clock.Known {
			clocks = append(clocks, clock)
		}
	}
	if len(clocks) == 0 {
		return facts.Clock{}
	}
	// The difference may not fit an int on every platform, so only its sign is used.
	slices.SortStableFunc(clocks, func(a, b facts.Clock) int { return int(max(-1, min(1, a.Ahead-b.Ahead))) })
	return clocks[len(clocks)/2]
}

// clockDistance returns the minimum difference of two clocks, given the uncertainties of both.
func clockDistance(a, b facts.Clock) time.Duration {
	return max(0, (a.Ahead-b.Ahead).Abs()-a.Uncertainty-b.Uncertainty)
}

// commonMTU returns the MTU that most hosts have; in a tie, the smallest of those.
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
