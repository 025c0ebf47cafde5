package hostprep

import (
	"net/netip"

	"go4.org/netipx"
)

// How much one host tries. With these, a fleet of a thousand costs each host some two dozen packets, and
// whoever is cut off is still tried by several others.
const (
	// maxAskers is how many hosts ask for the same VIP.
	maxAskers = 3
	// maxFirst and maxLast are how many addresses of each end of a pool are asked for.
	maxFirst, maxLast = 128, 16
	// maxOccupied stays below the size at which the kernel's table of neighbours is swept.
	maxOccupied = 128
)

// PlanNetworkProbes says what each host is to try on the network, in the order of the hosts. A host reaches out to
// every control plane node, and to those that follow it in the list by 1, 2, 4, 8, and so on.
func PlanNetworkProbes(cluster *Cluster, hosts []Host) []NetworkProbe {
	tasks := make([]NetworkProbe, len(hosts))
	nodes := make([]NodeFacts, len(hosts))
	for i := range hosts {
		nodes[i] = hosts[i].NodeFacts()
	}
	for i := range hosts {
		if hosts[i].Err != nil {
			continue
		}
		for _, j := range peersOf(hosts, i) {
			tasks[i].Reach = append(tasks[i].Reach, peers(nodes[i], nodes[j], hosts[j].SSHPort)...)
		}
		if hosts[i].ControlPlane && !cluster.Bundled {
			tasks[i].Connect = []netip.AddrPort{cluster.Endpoint}
		}
	}
	if cluster.Bundled {
		addUnusedAddresses(cluster, hosts, nodes, tasks)
	}
	return tasks
}

// peersOf gives the indexes of the hosts that a host reaches out to.
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
	for step := 1; step < len(hosts); step *= 2 {
		choose((i + step) % len(hosts))
	}
	return peers
}

// peers are the addresses of one node as another reaches them.
func peers(from, to NodeFacts, port int) []Peer {
	var found []Peer
	for _, pair := range [][2]netip.Addr{{from.IPv4.Addr(), to.IPv4.Addr()}, {from.IPv6.Addr(), to.IPv6.Addr()}} {
		if pair[0].IsValid() && pair[1].IsValid() {
			found = append(found, Peer{Source: pair[0], Address: pair[1], MTU: min(from.MTU, to.MTU), Port: port})
		}
	}
	return found
}

// addUnusedAddresses has load balancers ask who has the addresses that they will answer for: some of them
// for the VIP, and all of them for a share of the pools.
func addUnusedAddresses(cluster *Cluster, hosts []Host, nodes []NodeFacts, tasks []NetworkProbe) {
	var servers []int
	askers := 0
	for i := range hosts {
		if hosts[i].Err != nil || nodes[i].Interface == "" {
			continue
		}
		tasks[i].Interface = nodes[i].Interface
		tasks[i].ShortWait = hosts[i].OwnedBy(cluster) == Ours && hosts[i].Facts.Membership.Joined
		if hosts[i].Balancer && askers < maxAskers {
			askers++
			addUnusedAddress(&tasks[i], &hosts[i], nodes[i], cluster.Endpoint.Addr())
		}
		if hosts[i].ServesLoadBalancers {
			servers = append(servers, i)
		}
	}
	if len(servers) == 0 {
		return
	}
	turn := 0
	for _, pool := range cluster.Pools {
		for _, address := range endsOf(pool) {
			i := servers[turn%len(servers)]
			addUnusedAddress(&tasks[i], &hosts[i], nodes[i], address)
			turn++
		}
	}
}

// addUnusedAddress adds an address to a host's task if it is on the host's L2, where neighbours answer for it.
func addUnusedAddress(task *NetworkProbe, host *Host, node NodeFacts, address netip.Addr) {
	subnet := node.OnLink6
	if address.Is4() {
		subnet = host.Facts.onLink(node.Interface, node.IPv4)
	}
	if len(task.ExpectUnused) < maxOccupied && subnet.IsValid() && subnet.Contains(address) {
		task.ExpectUnused = append(task.ExpectUnused, address)
	}
}

// endsOf are the first addresses of a range and the last ones: all of them when there are few.
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
