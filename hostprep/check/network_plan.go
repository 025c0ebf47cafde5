package check

import (
	"net/netip"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// Limits of the probes of one host. With these, each host of a fleet of a thousand sends about two dozen packets, and a
// host that is isolated is still probed by several others.
const (
	// maxAskers is the number of hosts that probe for the VIP.
	maxAskers = 3
	// maxFirst and maxLast are the numbers of addresses at the ends of a pool that are probed.
	maxFirst, maxLast = 128, 16
	// maxUnused is the number of addresses that one host probes for. The kernel does not collect garbage in its
	// neighbour table up to that size (gc_thresh1, 128 entries by default), so that no result is lost.
	maxUnused = 128
)

// PlanNetworkProbes returns the network probes of each host, in the order of the hosts. A host probes every control
// plane node, and the hosts that follow it in the list by 1, 2, 4, 8, and so on: with that, every host is probed by
// several others, while the number of probes per host only grows with the logarithm of the fleet. Hosts that did not
// answer have no probes and are not probed.
func PlanNetworkProbes(cluster *Cluster, hosts []Host) []facts.NetworkProbe {
	probes := make([]facts.NetworkProbe, len(hosts))
	nodes := make([]NodeFacts, len(hosts))
	for i := range hosts {
		nodes[i] = hosts[i].NodeFacts()
	}
	carriesVIP, balances := balancers(hosts)
	for i := range hosts {
		if hosts[i].Err != nil {
			continue
		}
		for _, j := range peersOf(hosts, i) {
			probes[i].Reach = append(probes[i].Reach, peers(nodes[i], nodes[j], hosts[j].SSHPort)...)
		}
		if hosts[i].ControlPlane && !carriesVIP {
			probes[i].Connect = []netip.AddrPort{cluster.Endpoint}
		}
	}
	if balances {
		addUnusedAddresses(cluster, hosts, nodes, probes)
	}
	return probes
}

// balancers reports whether hosts may hold the control plane's VIP, and whether they answer for it or for Services. They do
// neither if the load balancers are the operator's own.
func balancers(hosts []Host) (carriesVIP, balances bool) {
	for i := range hosts {
		carriesVIP = carriesVIP || hosts[i].Balancer
		balances = balances || hosts[i].Balancer || hosts[i].ServesLoadBalancers
	}
	return carriesVIP, balances
}

// peersOf returns the indexes of the hosts that host i probes.
func peersOf(hosts []Host, i int) []int {
	chosen := map[int]bool{i: true}
	var peers []int
	choose := func(j int) {
		if !chosen[j] && hosts[j].Err == nil {
			peers = append(peers, j)
		}
		chosen[j] = true
	}
	for j := range hosts {
		if hosts[j].ControlPlane {
			choose(j)
		}
	}
	// The list wraps around, so that the last hosts probe the first ones.
	for step := 1; step < len(hosts); step *= 2 {
		choose((i + step) % len(hosts))
	}
	return peers
}

// peers returns the addresses of one node, in each family that both nodes have, as peers of the other.
func peers(from, to NodeFacts, port int) []facts.Peer {
	var found []facts.Peer
	for _, pair := range [][2]netip.Addr{{from.IPv4.Addr(), to.IPv4.Addr()}, {from.IPv6.Addr(), to.IPv6.Addr()}} {
		if pair[0].IsValid() && pair[1].IsValid() {
			found = append(found, facts.Peer{Source: pair[0], Address: pair[1], MTU: min(from.MTU, to.MTU), Port: port})
		}
	}
	return found
}

// addUnusedAddresses assigns the addresses that should be unused to the hosts that will answer for them: the VIP to the
// first few balancers, and the addresses of the pools to the servers of Services in turn.
func addUnusedAddresses(cluster *Cluster, hosts []Host, nodes []NodeFacts, probes []facts.NetworkProbe) {
	var servers []int
	askers := 0
	for i := range hosts {
		// Without the node's interface there is no L2 to probe; another check reports that.
		if hosts[i].Err != nil || nodes[i].Interface == "" {
			continue
		}
		probes[i].Interface = nodes[i].Interface
		probes[i].ShortWait = hosts[i].OwnedBy(cluster) == Ours && hosts[i].Facts.Membership.Joined
		if hosts[i].Balancer && askers < maxAskers {
			askers++
			addUnusedAddress(&probes[i], &hosts[i], nodes[i], cluster.Endpoint.Addr())
		}
		if hosts[i].ServesLoadBalancers {
			servers = append(servers, i)
		}
	}
	if len(servers) == 0 {
		return
	}
	turn := 0 // across pools, so that several small ones are spread as well
	for _, pool := range cluster.Pools {
		for _, address := range endsOf(pool) {
			i := servers[turn%len(servers)]
			addUnusedAddress(&probes[i], &hosts[i], nodes[i], address)
			turn++
		}
	}
}

// addUnusedAddress adds an address to a host's probes if it is on the host's L2; elsewhere neighbours do not answer.
func addUnusedAddress(probe *facts.NetworkProbe, host *Host, node NodeFacts, address netip.Addr) {
	subnet := node.OnLink6
	if address.Is4() {
		subnet = host.Facts.OnLink(node.Interface, node.IPv4)
	}
	if len(probe.ExpectUnused) < maxUnused && subnet.IsValid() && subnet.Contains(address) {
		probe.ExpectUnused = append(probe.ExpectUnused, address)
	}
}

// endsOf returns the first maxFirst and the last maxLast addresses of a range, or all of a smaller one, without
// duplicates. An IPv6 pool may be too large to list.
func endsOf(pool netipx.IPRange) []netip.Addr {
	var addresses []netip.Addr
	address := pool.From()
	for range maxFirst {
		addresses = append(addresses, address)
		if address == pool.To() {
			return addresses
		}
		address = address.Next()
	}
	first := address
	address = pool.To()
	for range maxLast {
		if address.Less(first) {
			break
		}
		addresses = append(addresses, address)
		address = address.Prev()
	}
	return addresses
}
