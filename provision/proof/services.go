package proof

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/internal/plural"
)

// The Services of the proof, named by their ipFamilyPolicy, and that of the cluster's DNS.
const (
	singleStack     = "single-stack"
	preferDualStack = "prefer-dual-stack"
	// requireDualStack requests IPv6 first.
	requireDualStack = "require-dual-stack"
	loadBalancer     = "load-balancer"
	// CoreDNS keeps the Service name of its predecessor.
	clusterDNS = "kube-dns"
)

const (
	// maxMet bounds the number of a Service's pods that each caller must reach. callsForEach is the number of calls per
	// pod: the choice is random, and with that many calls most pods are reached several times.
	maxMet, callsForEach = 4, 4
)

// serviceChecks returns the checks of Services, of their names and of their load balancers.
func serviceChecks() []Check {
	return []Check{
		{
			"service-ip-families", "A Service gets the addresses that its ipFamilyPolicy asks for: one, both, or both with IPv6 first.",
			"look at the Service ranges of kube-apiserver and kube-controller-manager: kubectl -n kube-system get pods -o yaml",
			policies,
			[]requirement{requireService},
			func(_ context.Context, s *testbed, on *subject) verdict {
				return checkFamilies(on.service, s.services[on.service].ClusterIPs, s.Config.Network.Services)
			},
		},
		{
			"service-cluster-ip",
			"Every node calls a Service in both families, again and again: whichever pod is chosen, on whichever node, answers.",
			"look at kube-proxy's pod on the node, nft list table inet kube-proxy (ip and ip6), and firewalld's policies",
			// This Service has addresses of both families, so one Service is enough for all nodes.
			nodesFor(requireDualStack),
			[]requirement{requireHost, requireService},
			proveClusterIP,
		},
		{
			"service-dns", "The cluster's DNS gives a Service's A and AAAA records to every node, and every pod calls the Service by name.",
			"kubectl -n kube-system logs deployment/coredns, and /etc/resolv.conf in a pod",
			nodesFor(requireDualStack),
			[]requirement{requireHost, requirePod, requireService},
			proveDNS,
		},
		{
			"service-load-balancer", "A host outside of the cluster calls a Service of type LoadBalancer in both families.",
			"kubectl -n metallb-system logs daemonset/speaker, and whether another host has the address: arping, ndisc6",
			balanced,
			[]requirement{requireBalancer, requireClient, requireService},
			proveLoadBalancer,
		},
	}
}

// policies returns a subject for the Service of each ipFamilyPolicy.
func policies(*testbed) []subject {
	var subjects []subject
	for _, name := range []string{singleStack, preferDualStack, requireDualStack} {
		subjects = append(subjects, subject{target: name, service: name})
	}
	return subjects
}

// nodesFor returns the subjects of a check in which every node calls the Service.
func nodesFor(service string) func(*testbed) []subject {
	return func(s *testbed) []subject {
		subjects := eachNode(s)
		for i := range subjects {
			subjects[i].service = service
		}
		return subjects
	}
}

// balanced returns the subject of the client calling the Service of type LoadBalancer.
func balanced(s *testbed) []subject {
	return []subject{{target: arrow(s.client, loadBalancer), service: loadBalancer}}
}

// requireBalancer skips the check if load balancers are not dualstrap's, or have no addresses to assign.
func requireBalancer(s *testbed, _ *subject) verdict {
	switch {
	case s.Config.LoadBalancer.Services == api.ServicesExternal:
		return skipped("load balancers are the operator's own (loadBalancer.mode: manual)")
	case len(s.balancedFamilies()) == 0:
		return skipped("no address pool assigns addresses automatically")
	}
	return verdict{}
}

// balancedFamilies returns the families in which Services of type LoadBalancer get an address, or nil if load balancers
// are not dualstrap's.
func (s *testbed) balancedFamilies() []corev1.IPFamily {
	if s.Config.LoadBalancer.Services == api.ServicesExternal {
		return nil
	}
	return poolFamilies(s.Config.LoadBalancer.Pools)
}

// poolFamilies returns the families that the best pool offers to Services that do not name a pool. MetalLB assigns all
// addresses of a Service from one pool, so the families of several pools do not add up. IPv6 comes first: the cluster's
// default is usually IPv4, and so an IPv6 address in first place shows that the requested order was followed.
func poolFamilies(pools []api.AddressPool) []corev1.IPFamily {
	var best []corev1.IPFamily
	for _, pool := range pools {
		if pool.ManualAssign {
			continue
		}
		var families []corev1.IPFamily
		for _, family := range []api.Family{api.IPv6, api.IPv4} {
			for _, addresses := range pool.Addresses {
				if name := corev1.IPFamily(family); api.FamilyOf(addresses.From()) == family && !slices.Contains(families, name) {
					families = append(families, name)
				}
			}
		}
		if len(families) > len(best) {
			best = families
		}
	}
	return best
}

// checkFamilies checks a Service's addresses and their order against its policy. ranges are the cluster's Service
// ranges, of which the first determines the default family.
func checkFamilies(policy string, got []netip.Addr, ranges []netip.Prefix) verdict {
	// PreferDualStack requests both families in the cluster's order.
	want := slices.Clone(ranges)
	switch policy {
	case singleStack:
		want = want[:1] // the default family
	case requireDualStack:
		// IPv6, which has more bits, first: the Service requests this order.
		slices.SortFunc(want, func(a, b netip.Prefix) int { return b.Addr().BitLen() - a.Addr().BitLen() })
	}
	fits := len(got) == len(want)
	for i := range want {
		fits = fits && want[i].Contains(got[i])
	}
	if !fits {
		return failed("its cluster IPs are %s, and should be from %s", formatList(got), formatList(want))
	}
	return passed("%s", formatList(got))
}

// proveClusterIP calls the Service's cluster IPs from a node.
func proveClusterIP(ctx context.Context, s *testbed, on *subject) verdict {
	addresses := s.services[on.service].ClusterIPs
	if !hasBoth(addresses) {
		return failed("its cluster IPs are %s, and should be one of each family", formatList(addresses))
	}
	return callAll(addresses, func(to netip.AddrPort) verdict { return s.callOften(ctx, on.node.address(), to) })
}

// proveLoadBalancer calls the Service's load balancer addresses from the client.
func proveLoadBalancer(ctx context.Context, s *testbed, on *subject) verdict {
	return callAll(s.services[on.service].Balanced, func(to netip.AddrPort) verdict {
		v := s.callOften(ctx, s.client.address, to)
		// A client without such an address may have a route. If it has none, its failure says nothing about the cluster.
		if family := api.FamilyOf(to.Addr()); v.status == Failed && !s.client.of(family).IsValid() {
			return skipped("%s cannot be called: %s has no %s address on the nodes' L2", to.Addr(), s.client, family)
		}
		return v
	})
}

// callAll calls a Service at all of its addresses concurrently.
func callAll(addresses []netip.Addr, call func(netip.AddrPort) verdict) verdict {
	proofs := make([]func() verdict, len(addresses))
	for i, address := range addresses {
		proofs[i] = func() verdict { return call(netip.AddrPortFrom(address, servicePort)) }
	}
	return all(proofs...)
}

// callOften calls a Service until several of its pods have answered. After that, every call must be answered. If the
// pods of one node take longer to be reached than patience, that node is disconnected, and waiting longer would hide
// it. Without a pod that runs, nothing is called.
func (s *testbed) callOften(ctx context.Context, from netip.Addr, to netip.AddrPort) verdict {
	greet := func(ctx context.Context) (string, error) { return s.greets(ctx, from, to) }
	wanted := min(s.runningPods(), maxMet)
	// One answer, of a pod that has come up meanwhile, would say little.
	if wanted == 0 {
		return skipped("no pod runs that could answer at %s", to.Addr())
	}
	calls := wanted * callsForEach
	met := map[string]bool{}
	_, err := eventually(ctx, func(ctx context.Context) (string, error) {
		// The first loop ends early, once enough pods have answered. An error starts it again, until patience ends.
		for range calls {
			name, err := greet(ctx)
			if err != nil {
				return "", err
			}
			if met[name] = true; len(met) >= wanted {
				return name, nil
			}
		}
		return "", fmt.Errorf("only %d of its pods answer, and not %d or more", len(met), wanted)
	})
	if err != nil {
		return unanswered(err, "%s does not answer as it should", to.Addr())
	}
	// From here on, every call must succeed.
	for i := range calls {
		name, err := greet(ctx)
		if err != nil {
			return unanswered(err, "%s answered %d of %d calls, and not the next", to.Addr(), i, calls).
				withHint("pods on some nodes answer and others do not: look at firewalld's policies on the hosts, and at pod-to-pod")
		}
		met[name] = true
	}
	return passed("%s answered %d of %d calls from %s", to.Addr(), calls, calls, plural.Of(len(met), "pod"))
}

// runningPods returns the number of the proof's pods that are ready.
func (s *testbed) runningPods() int {
	running := 0
	for i := range s.nodes {
		if s.nodes[i].pod.Ready {
			running++
		}
	}
	return running
}
