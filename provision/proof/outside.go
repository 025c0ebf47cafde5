package proof

import (
	"context"
	"net/netip"

	"github.com/dualstrap/dualstrap/api"
)

// outsideChecks returns the checks of traffic between pods and a host outside of the cluster.
func outsideChecks() []Check {
	return []Check{
		{
			"flat-ipv6", "A host outside of the cluster and pods call each other's IPv6 addresses, and each sees the other's own address.",
			"look at ip -6 neigh show proxy and ip -6 route on the node, at the agent's log, and at firewalld's policies",
			bothWays,
			[]requirement{requireBundledNetwork, requireClient, requirePod, requireHost, requireClientAddress(api.IPv6), requireListener},
			proveFlat,
		},
		{
			"island-ipv4", "A pod that calls a host outside of the cluster is seen with its node's IPv4 address; where IPv4 is flat, with its own.",
			"look at nft list table inet dualstrap on the node, and at the agent's log",
			outward,
			[]requirement{requireBundledNetwork, requireClient, requirePod, requireHost, requireClientAddress(api.IPv4), requireListener},
			proveIsland,
		},
	}
}

// outward returns a subject for every node, whose pod calls the client.
func outward(s *testbed) []subject {
	subjects := eachNode(s)
	for i := range subjects {
		subjects[i].target = arrow(subjects[i].target, s.client)
		subjects[i].outward = true
	}
	return subjects
}

// bothWays returns two subjects for every node: one in which the client calls its pod, and one the other way round.
func bothWays(s *testbed) []subject {
	inward := eachNode(s)
	for i := range inward {
		inward[i].target = arrow(s.client, inward[i].target)
	}
	return append(inward, outward(s)...)
}

// String returns the client's address, or "client" if the manifests name none.
func (c client) String() string {
	if !c.address.IsValid() {
		return "client"
	}
	return c.address.String()
}

// of returns the client's address of a family on the nodes' L2. It is invalid if the client has no such address.
func (c client) of(family api.Family) netip.Addr {
	if family == api.IPv4 {
		return c.v4
	}
	return c.v6
}

// requireClientAddress skips checks in a family in which the client has no address on the nodes' L2.
func requireClientAddress(family api.Family) requirement {
	return func(s *testbed, _ *subject) verdict {
		if !s.client.of(family).IsValid() {
			return skipped("%s has no %s address on the nodes' L2", s.client, family)
		}
		return verdict{}
	}
}

// proveFlat checks that IPv6 traffic between a pod and the client keeps the caller's address.
func proveFlat(ctx context.Context, s *testbed, on *subject) verdict {
	pod := of(api.IPv6, on.node.pod.Addresses)
	if !pod.IsValid() {
		return failed("the pod has no IPv6 address")
	}
	if on.outward {
		return s.callClient(ctx, on.node, source{from: pod, to: s.client.v6, want: []netip.Addr{pod}})
	}
	seen, err := eventually(ctx, func(ctx context.Context) (netip.Addr, error) {
		return s.seenBy(ctx, s.client.address, netip.AddrPortFrom(pod, podPort))
	})
	// A client with several addresses may choose any of them as its source.
	want := append([]netip.Addr{s.client.v6}, s.client.own...)
	return checkSource(source{from: s.client.v6, to: pod, seen: seen, want: want}, err)
}

// proveIsland checks the source address of a pod's IPv4 traffic to the client: the node's in island mode, the pod's in
// flat mode.
func proveIsland(ctx context.Context, s *testbed, on *subject) verdict {
	pod := of(api.IPv4, on.node.pod.Addresses)
	if !pod.IsValid() {
		return failed("the pod has no IPv4 address")
	}
	// The agent translates to the node's address, which is unique on the L2; pod addresses of island mode are not
	// routed there.
	want := on.node.k8sIP()
	if s.Config.Network.FlatIPv4 {
		want = pod
	}
	return s.callClient(ctx, on.node, source{from: pod, to: s.client.v4, want: []netip.Addr{want}})
}

// callClient makes a pod call the client's server. If the pod's node cannot reach the server either, as behind a
// firewall of the client, the check is skipped: that says nothing about the cluster.
func (s *testbed) callClient(ctx context.Context, n *node, call source) verdict {
	to := netip.AddrPortFrom(call.to, s.client.port)
	var err error
	call.seen, err = eventually(ctx, func(ctx context.Context) (netip.Addr, error) { return s.podSeenBy(ctx, n, to) })
	if err == nil || cannotForward(err) {
		return checkSource(call, err)
	}
	// The node is on the client's L2, so its call depends on the client only.
	if _, blocked := s.seenBy(ctx, n.address(), to); blocked != nil {
		return skipped("port %d of %s cannot be reached, not even from the node itself: %v", to.Port(), to.Addr(), blocked).
			withHint("let TCP through on %s", s.client)
	}
	return checkSource(call, err)
}
