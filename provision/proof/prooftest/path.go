package prooftest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// roundTrip is how long a connection takes, connectTimeout how long a kernel waits for it, about as long as Linux.
const roundTrip, connectTimeout = time.Millisecond, 2 * time.Minute

// errSilence is a packet that is dropped: the caller waits.
var errSilence = errors.New("no answer")

// party is one end of a connection: a host, or a pod on it.
type party struct {
	host *Host
	node *Node // nil for the client
	pod  *pod  // nil for the host itself
}

// name returns the owner of the party's servers.
func (p party) name() string {
	if p.pod != nil {
		return p.pod.namespace + "/" + p.pod.name
	}
	return p.host.Name
}

// address returns the party's own address of a family.
func (p party) address(family api.Family) netip.Addr {
	if p.pod != nil {
		return p.pod.address(family)
	}
	return p.host.address(family)
}

// connections implements remote.Hosts.
type connections struct{ network *Network }

// Close implements remote.Hosts.
func (connections) Close() {}

// Host implements remote.Hosts. A proof uses scripts on the client only.
func (c connections) Host(ctx context.Context, address netip.Addr) (remote.Host, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client := c.network.Client
	switch {
	case address != client.IPv4:
		return nil, fmt.Errorf("a proof has no business on %s", address)
	case client.Unreachable:
		return nil, &remote.Error{Op: "cannot connect to " + address.String(), Reason: remote.ErrNoRoute}
	}
	return clientHost{client, c.network}, nil
}

// Dial implements remote.Hosts.
func (c connections) Dial(ctx context.Context, address netip.Addr, to netip.AddrPort) (net.Conn, error) {
	from := party{host: &c.network.Client.Host}
	for _, node := range c.network.Nodes {
		if node.IPv4 == address {
			from = party{host: &node.Host, node: node}
		}
	}
	switch {
	case from.host.IPv4 != address:
		return nil, fmt.Errorf("there is no host %s", address)
	case from.host.Unreachable:
		return nil, &remote.Error{Op: "cannot connect to " + address.String(), Reason: remote.ErrNoRoute}
	case from.host.RefusesForwarding:
		return nil, &remote.Error{
			Op: "cannot connect through " + address.String(), Reason: remote.ErrProtocol, HintText: "set AllowTcpForwarding yes",
		}
	}
	return c.network.dial(ctx, from, to)
}

// dial connects a party to an address.
func (n *Network) dial(ctx context.Context, from party, to netip.AddrPort) (net.Conn, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(roundTrip):
	}
	target, seen, err := n.route(from, to)
	if errors.Is(err, errSilence) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(connectTimeout):
			err = syscall.ETIMEDOUT
		}
	}
	if err == nil && target == nil {
		err = syscall.ECONNREFUSED
	}
	if err != nil {
		return nil, fmt.Errorf("dial tcp %s: connect: %w", to, err)
	}
	return target.connect(seen)
}

// route returns the server at an address, or nil, and the address that it sees.
func (n *Network) route(from party, to netip.AddrPort) (*server, netip.Addr, error) {
	if to.Addr().IsLoopback() {
		return n.serverOf(from, to.Port()), to.Addr(), nil
	}
	family := api.FamilyOf(to.Addr())
	if !from.address(family).IsValid() {
		return nil, netip.Addr{}, syscall.ENETUNREACH
	}
	// kube-proxy translates on the node where a connection begins.
	if service := n.serviceAt(to.Addr()); service != nil && from.node != nil {
		if from.node.LacksServices[family] {
			return nil, netip.Addr{}, errSilence
		}
		if service.name == dnsName {
			return n.dnsServer(family), from.address(family), nil
		}
		chosen, err := n.choose(from, to.Addr(), service)
		if err != nil {
			return nil, netip.Addr{}, err
		}
		return n.deliver(from, from.address(family), party{host: &chosen.node.Host, node: chosen.node, pod: chosen}, podPort)
	}
	if announcer := n.announcer(to.Addr()); announcer != nil {
		return n.enter(from, announcer, to.Addr())
	}
	if to.Addr() == n.Config.LoadBalancer.ControlPlaneVIP {
		if n.VIP.Silent {
			return nil, netip.Addr{}, errSilence
		}
		return n.vipServer(), from.address(family), nil
	}
	target, found := n.partyAt(to.Addr())
	if !found {
		return nil, netip.Addr{}, syscall.EHOSTUNREACH
	}
	return n.deliver(from, from.address(family), target, to.Port())
}

// enter leads a connection from outside to the node that announces a load balancer's address, and from there to a pod.
// The node puts its own address in place of the caller's, so that responses come back to it.
func (n *Network) enter(from party, announcer *Node, to netip.Addr) (*server, netip.Addr, error) {
	family := api.FamilyOf(to)
	switch {
	case n.Balancer.Stranger:
		return n.strangeServer(), from.address(family), nil
	case n.Balancer.Unannounced[family] || announcer.Unreachable:
		return nil, netip.Addr{}, errSilence
	case announcer.LacksServices[family]:
		return nil, netip.Addr{}, syscall.ECONNREFUSED
	}
	via := party{host: &announcer.Host, node: announcer}
	chosen, err := n.choose(via, to, n.serviceAt(to))
	if err != nil {
		return nil, netip.Addr{}, err
	}
	return n.deliver(via, via.address(family), party{host: &chosen.node.Host, node: chosen.node, pod: chosen}, podPort)
}

// deliver leads a connection to a party and returns its server, or nil, and the address that the server sees.
func (n *Network) deliver(from party, source netip.Addr, to party, port uint16) (*server, netip.Addr, error) {
	family := api.FamilyOf(source)
	if from.host != to.host {
		switch {
		case to.host.Unreachable, to.pod != nil && to.node.DropsInbound[family]:
			return nil, netip.Addr{}, errSilence
		case to.node == nil && n.Client.Firewall && !n.Client.isOpen(n, port):
			return nil, netip.Addr{}, errSilence
		case !reaches(from, to, family):
			return nil, netip.Addr{}, syscall.EHOSTUNREACH
		}
		// Only a pod's own address needs a way back to the pod.
		if from.pod != nil && from.node.hides(family, to.node == nil) {
			source = from.host.address(family)
		} else if !reaches(to, from, family) {
			return nil, netip.Addr{}, errSilence
		}
	}
	return n.serverOf(to, port), source, nil
}

// hides reports whether the node puts its own address in place of those of its pods.
func (n *Node) hides(family api.Family, outside bool) bool {
	return n.MasqueradesAll[family] || outside && n.Masquerades[family]
}

// reaches reports whether the host of from knows the way to a party on another host.
func reaches(from, to party, family api.Family) bool {
	isNodes := func(block netip.Prefix) bool { return block.Contains(to.address(family)) }
	switch {
	case to.pod == nil:
		return true // hosts are neighbors
	case !slices.ContainsFunc(to.node.PodCIDRs, isNodes):
		return false // routes and neighbor proxies are for the node's ranges
	case from.node != nil:
		return !from.node.LacksRoutes[family]
	case family == api.IPv4:
		return !to.node.Masquerades[family] // only flat addresses mean something on the L2
	}
	return !to.node.LacksNeighbors
}

// partyAt returns the owner of an address.
func (n *Network) partyAt(address netip.Addr) (party, bool) {
	for _, node := range n.Nodes {
		if address == node.IPv4 || address == node.IPv6 {
			return party{host: &node.Host, node: node}, true
		}
	}
	if address == n.Client.IPv4 || address == n.Client.IPv6 {
		return party{host: &n.Client.Host}, true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, pod := range n.pods {
		if slices.Contains(pod.addresses, address) {
			return party{host: &pod.node.Host, node: pod.node, pod: pod}, true
		}
	}
	return party{}, false
}

// serviceAt returns the Service with an address, or nil.
func (n *Network) serviceAt(address netip.Addr) *service {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, service := range n.services {
		if slices.Contains(service.addresses, address) || slices.Contains(service.balanced, address) {
			return service
		}
	}
	return nil
}

// announcer returns the node that answers on the L2 for a load balancer's address, or nil for other addresses.
func (n *Network) announcer(address netip.Addr) *Node {
	if service := n.serviceAt(address); service == nil || !slices.Contains(service.balanced, address) {
		return nil
	}
	return n.Nodes[len(n.Nodes)-1]
}

// choose returns the pod whose turn it is when a party connects to a Service.
func (n *Network) choose(from party, address netip.Addr, service *service) (*pod, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var backends []*pod
	for _, pod := range n.pods {
		if pod.namespace == service.namespace && pod.address(api.FamilyOf(address)).IsValid() {
			backends = append(backends, pod)
		}
	}
	if len(backends) == 0 {
		return nil, syscall.ECONNREFUSED
	}
	slices.SortFunc(backends, func(a, b *pod) int { return cmp.Compare(a.name, b.name) })
	key := from.name() + " " + address.String()
	n.turns[key]++
	return backends[n.turns[key]%len(backends)], nil
}
