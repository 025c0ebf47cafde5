package proof

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// nodeChecks returns the checks of what the API server reports about nodes.
func nodeChecks() []Check {
	live := []requirement{requireLiveNode}
	// These checks compare what is known already. They make no calls.
	stateless := func(check func(*testbed, *node) verdict) func(context.Context, *testbed, *subject) verdict {
		return func(_ context.Context, s *testbed, on *subject) verdict { return check(s, on.node) }
	}
	return []Check{
		{
			"node-ready", "Every host of the manifests is a node, and its kubelet says that it is ready.",
			"kubectl describe node NAME, and journalctl -u kubelet on the host",
			eachNode, live, stateless(func(_ *testbed, n *node) verdict { return checkReady(n.live) }),
		},
		{
			"node-pod-cidrs", "Every node has the pod ranges of the address plan, one of each family, and shares them with no other node.",
			"podCIDRs cannot be changed: reset the node and let it join again",
			eachNode, live, stateless(func(s *testbed, n *node) verdict { return checkPodCIDRs(n, s.Config, s.Present) }),
		},
		{
			"node-addresses", "Every node has two internal addresses, IPv4 first, those of its interface.",
			"the kubelet's --node-ip has to name both; dualstrap create cluster repairs it",
			eachNode,
			[]requirement{requireLiveNode, requireHost},
			stateless(func(_ *testbed, n *node) verdict {
				return checkAddresses(n.live.Addresses, []netip.Addr{n.k8sIP(), n.host.NodeFacts().IPv6.Addr()})
			}),
		},
		{
			"node-provider-id", "Every node's providerID is baremetal:// and its IPv4 address.",
			"a providerID cannot be changed: reset the node and let it join again",
			eachNode, live, stateless(func(_ *testbed, n *node) verdict { return checkProviderID(n.live.ProviderID, n.k8sIP()) }),
		},
		{
			"node-labels", "Every node has the labels of its pool, and those that say which pool that is.",
			"dualstrap create cluster sets them",
			eachNode, live, stateless(func(_ *testbed, n *node) verdict { return checkLabels(n.live.Labels, n.labels) }),
		},
	}
}

// checkReady checks that the kubelet reports the node as ready.
func checkReady(live *kube.Node) verdict {
	if !live.Ready {
		return failed("node %s is not ready: %s", live.Name, live.Why)
	}
	return passed("node %s is ready", live.Name)
}

// checkPodCIDRs checks the pod ranges of a node against the plan. The plan adopts the ranges that a node has, so it is
// also checked that they are blocks of the ClusterCIDRConfig, and that no other node has them.
func checkPodCIDRs(n *node, cfg *api.Config, present []kube.Node) verdict {
	got, want := n.live.PodCIDRs, n.plan.PodCIDRs
	if !slices.Equal(got, want) {
		return failed("it has %s, and the plan says %s", formatList(got), formatList(want))
	}
	at := slices.IndexFunc(cfg.CIDRConfigs, func(c api.CIDRConfig) bool { return c.Name == n.plan.ClusterCIDRConfig })
	if at < 0 {
		return failed("%s are not from any ClusterCIDRConfig", formatList(got))
	}
	// Both prefixes may be equal to the plan and still be wrong, if the plan adopted what the node had.
	config := &cfg.CIDRConfigs[at]
	for i, block := range []api.CIDRRange{config.IPv4, config.IPv6} {
		if got[i].Bits() != block.PerNodeMaskSize || !block.CIDR.Overlaps(got[i]) {
			return failed("%s is not a block of %s, /%d each, of %s", got[i], block.CIDR, block.PerNodeMaskSize, config.Name)
		}
	}
	for i := range present {
		if present[i].Name == n.live.Name {
			continue
		}
		for _, other := range present[i].PodCIDRs {
			if got[0].Overlaps(other) || got[1].Overlaps(other) {
				return failed("node %s has %s, too", present[i].Name, other)
			}
		}
	}
	return passed("%s, from %s", formatList(got), config.Name)
}

// checkAddresses checks the internal addresses and their order, of which the first is the node's primary family.
func checkAddresses(got, want []netip.Addr) verdict {
	if !slices.Equal(got, want) {
		return failed("its internal addresses are %s, and should be %s", formatList(got), formatList(want))
	}
	return passed("%s", formatList(got))
}

// checkProviderID checks the provider ID against the node's IPv4 address.
func checkProviderID(got string, k8sIP netip.Addr) verdict {
	if want := api.ProviderID(k8sIP); got != want {
		return failed("it is %q, and should be %q", got, want)
	}
	return passed("%s", got)
}

// checkLabels checks that a node has the labels that the manifests declare. It may have others.
func checkLabels(got, want map[string]string) verdict {
	var wrong []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, found := got[key]
		switch {
		case !found:
			wrong = append(wrong, fmt.Sprintf("%s is missing", key))
		case value != want[key]:
			wrong = append(wrong, fmt.Sprintf("%s is %q, and should be %q", key, value, want[key]))
		}
	}
	if len(wrong) > 0 {
		return failed("%s", strings.Join(wrong, "; "))
	}
	return passed("%d labels, of pool %s", len(want), want[api.LabelNodePool])
}

// formatList returns the things joined by "and", or "none".
func formatList[T fmt.Stringer](things []T) string {
	if len(things) == 0 {
		return "none"
	}
	texts := make([]string, len(things))
	for i, thing := range things {
		texts[i] = thing.String()
	}
	return strings.Join(texts, " and ")
}
