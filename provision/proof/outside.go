package proof

import (
	"context"
	"net/netip"

	"github.com/dualstrap/dualstrap/api"
)

// outsideChecks are about traffic between pods and a host that is no node.
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

// outward makes a subject of every node's pod calling the client.
func outward(s *testbed) []subject {
	subjects := eachNode(s)
	for i := range subjects {
		subjects[i].target = arrow(subjects[i].target, s.client)
		subjects[i].outward = true
	}
	return subjects
}

// bothWays makes two subjects of every node: the client calling its pod, and the other way round.
func bothWays(s *testbed) []subject {
	inward := eachNode(s)
	for i := range inward {
		inward[i].target = arrow(s.client, inward[i].target)
	}
	return append(inward, outward(s)...)
}

// String is how results name the client.
func (c client) String() string {
	if !c.address.IsValid() {
		return "client"
	}
	return c.address.String()
}

func (c client) of(family api.Family) netip.Addr {
	if family == api.IPv4 {
		return c.v4
	}
	return c.v6
}

func requireClientAddress(family api.Family) requirement {
	return func(s *testbed, _ *subject) verdict {
		if !s.client.of(family).IsValid() {
			return skipped("%s has no %s address on the nodes' L2", s.client, family)
		}
		return verdict{}
	}
}

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
	// Which of its addresses the client takes is its own affair.
	want := append([]netip.Addr{s.client.v6}, s.client.own...)
	return judgeSource(source{from: s.client.v6, to: pod, seen: seen, want: want}, err)
}

func proveIsland(ctx context.Context, s *testbed, on *subject) verdict {
	pod := of(api.IPv4, on.node.pod.Addresses)
	if !pod.IsValid() {
		return failed("the pod has no IPv4 address")
	}
	want := on.node.k8sIP()
	if s.Config.Network.FlatIPv4 {
		want = pod
	}
	return s.callClient(ctx, on.node, source{from: pod, to: s.client.v4, want: []netip.Addr{want}})
}

// callClient has a pod call the client's server. Where even the pod's node cannot, the reason is not the
// cluster's.
func (s *testbed) callClient(ctx context.Context, n *node, call source) verdict {
	to := netip.AddrPortFrom(call.to, s.client.port)
	var err error
	call.seen, err = eventually(ctx, func(ctx context.Context) (netip.Addr, error) { return s.podSeenBy(ctx, n, to) })
	if err == nil {
		return judgeSource(call, nil)
	}
	if _, blocked := s.seenBy(ctx, n.address(), to); blocked != nil {
		return skipped("nobody reaches port %d of %s, not even the node itself: %v", to.Port(), to.Addr(), blocked).
			withHint("let TCP through on %s", s.client)
	}
	return judgeSource(call, err)
}
