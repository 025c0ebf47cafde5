package proof

import (
	"context"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/api"
)

// podChecks returns the checks of pods and of the traffic between them.
func podChecks() []Check {
	return []Check{
		{
			"pod-ips", "A pod comes up on every node, with an address of each family from the node's pod ranges.",
			"kubectl -n dualstrap-system logs of the agent's pod on the node, and journalctl -u kubelet on the host",
			eachNode,
			[]requirement{requireLiveNode},
			func(_ context.Context, _ *testbed, on *subject) verdict { return checkPod(on.node) },
		},
		{
			"pod-to-pod", "A pod calls a pod on another node in both families, and is seen with its own address: routes, and no NAT.",
			"look at the routes on both hosts, ip route and ip -6 route, and at firewalld's policies",
			// Each node calls one other node. All pairs would be quadratic, and show little more.
			ring,
			[]requirement{requirePeer, requireHost, requirePod},
			provePodToPod,
		},
		{
			"pod-source-address", "A pod with raw sockets sends as another pod, another node, a Service and the outside, in both families: " +
				"none of these packets arrives, and its node counts them. Packets with its own address arrive.",
			"look at nft list table inet dualstrap on the pod's node, and at the log of its agent",
			ring,
			[]requirement{requireBundledNetwork, requirePeer, requireHost, requireLiveNode, requirePod, requireForger},
			proveSourceAddress,
		},
	}
}

// checkPod checks that the node's pod runs and has addresses of both families from the node's ranges.
func checkPod(n *node) verdict {
	if !n.pod.Ready {
		return failed("no pod comes up there: %s", n.pod.Why)
	}
	if len(n.pod.Addresses) != 2 || !hasBoth(n.pod.Addresses) {
		return failed("the pod has %s, and should have an address of each family", formatList(n.pod.Addresses))
	}
	for i, address := range n.pod.Addresses {
		if !slices.ContainsFunc(n.live.PodCIDRs, func(p netip.Prefix) bool { return p.Contains(address) }) {
			return failed("the pod's %s is in none of the node's ranges, %s", n.pod.Addresses[i], formatList(n.live.PodCIDRs))
		}
	}
	return passed("%s", formatList(n.pod.Addresses))
}

// of returns the first address of a family, or the zero address if addresses has no such one.
func of(family api.Family, addresses []netip.Addr) netip.Addr {
	for _, address := range addresses {
		if api.FamilyOf(address) == family {
			return address
		}
	}
	return netip.Addr{}
}

// hasBoth reports whether addresses has one of each family.
func hasBoth(addresses []netip.Addr) bool {
	return of(api.IPv4, addresses).IsValid() && of(api.IPv6, addresses).IsValid()
}

// inBothFamilies runs a proof in each family concurrently and combines the verdicts.
func inBothFamilies(prove func(api.Family) verdict) verdict {
	return all(func() verdict { return prove(api.IPv4) }, func() verdict { return prove(api.IPv6) })
}

// provePodToPod makes a pod call the next node's pod, which must see the caller's own address.
func provePodToPod(ctx context.Context, s *testbed, on *subject) verdict {
	return inBothFamilies(func(family api.Family) verdict {
		from, to := of(family, on.node.pod.Addresses), of(family, on.peer.pod.Addresses)
		if !from.IsValid() || !to.IsValid() {
			return failed("a pod has no %s address", family)
		}
		seen, err := eventually(ctx, func(ctx context.Context) (netip.Addr, error) {
			return s.podSeenBy(ctx, on.node, netip.AddrPortFrom(to, podPort))
		})
		return checkSource(source{from: from, to: to, seen: seen, want: []netip.Addr{from}}, err)
	})
}

// source describes a call and the source address that the callee saw.
type source struct {
	// from and to are the addresses of the caller and the callee. seen is the source address that the callee reported,
	// or the zero address if the call failed.
	from, to, seen netip.Addr
	// want are the source addresses that are correct. Messages name the first.
	want []netip.Addr
}

// checkSource returns the verdict for a call: err if it failed, or else whether the callee saw a correct source
// address.
func checkSource(call source, err error) verdict {
	switch {
	case err != nil:
		return unanswered(err, "%s cannot call %s", call.from, call.to)
	case !slices.Contains(call.want, call.seen):
		return failed("%s called %s, which saw %s instead of %s: something translates addresses", call.from, call.to, call.seen, call.want[0])
	case call.seen == call.from:
		return passed("%s called %s", call.from, call.to)
	default:
		return passed("%s called %s as %s", call.from, call.to, call.seen)
	}
}
