package proof_test

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// because returns the results of pods that call the client, in the form of expectFindings, if none of them can.
func because(text string) string {
	return fmt.Sprintf(`
		skipped flat-ipv6 10.2.0.4 -> 10.2.0.100: %[1]s
		skipped flat-ipv6 10.2.0.5 -> 10.2.0.100: %[1]s
		skipped flat-ipv6 10.2.0.6 -> 10.2.0.100: %[1]s
		skipped island-ipv4 all: %[1]s`, text)
}

// TestWhatCannotBeTried proves healthy clusters over hosts that do not let the proof try everything. What was not tried is
// skipped with the reason, and everything else passes.
func TestWhatCannotBeTried(t *testing.T) {
	t.Parallel()
	for _, tt := range []sabotage{
		{
			"the manifests name no client", func(n *prooftest.Network) { n.Config.VerifyClient = netip.Addr{} },
			`skipped service-load-balancer client -> load-balancer: the manifests name no host outside of the cluster
			skipped flat-ipv6 all: the manifests name no host outside of the cluster
			skipped island-ipv4 all: the manifests name no host outside of the cluster`,
		},
		{
			"the client does not answer", func(n *prooftest.Network) { n.Client.Unreachable = true },
			`skipped service-load-balancer 10.2.0.100 -> load-balancer: 10.2.0.100 cannot be used as the client: | no answer
			skipped flat-ipv6 all: 10.2.0.100 cannot be used as the client
			skipped island-ipv4 all: 10.2.0.100 cannot be used as the client`,
		},
		{
			"the client does not understand the probe", func(n *prooftest.Network) { n.Client.Mute = true },
			`skipped service-load-balancer 10.2.0.100 -> load-balancer: 10.2.0.100 cannot be used as the client: | cannot parse
			skipped flat-ipv6 all: 10.2.0.100 cannot be used as the client
			skipped island-ipv4 all: 10.2.0.100 cannot be used as the client`,
		},
		{
			"the client has no IPv6 address", func(n *prooftest.Network) { n.Client.IPv6 = netip.Addr{} },
			`skipped service-load-balancer 10.2.0.100 -> load-balancer: fd12::4:102 cannot be called: 10.2.0.100 has no IPv6 address
			skipped flat-ipv6 all: 10.2.0.100 has no IPv6 address on the nodes' L2`,
		},
		{
			"the client's IPv6 address is on another network", func(n *prooftest.Network) { n.Client.Routed = true },
			`skipped flat-ipv6 all: 10.2.0.100 has no IPv6 address on the nodes' L2`,
		},
		{
			"the client's SSH server does not forward", func(n *prooftest.Network) { n.Client.RefusesForwarding = true },
			`skipped service-load-balancer 10.2.0.100 -> load-balancer: cannot connect through 10.2.0.100
			skipped flat-ipv6 10.2.0.100 -> 10.2.0.4: cannot connect through 10.2.0.100
			skipped flat-ipv6 10.2.0.100 -> 10.2.0.5: cannot connect through 10.2.0.100
			skipped flat-ipv6 10.2.0.100 -> 10.2.0.6: cannot connect through 10.2.0.100` +
				because("no server runs on 10.2.0.100 for pods to call: cannot connect through 10.2.0.100"),
		},
		{
			"there is no bundle", func(n *prooftest.Network) { n.Bundle = nil },
			because("no server runs on 10.2.0.100 for pods to call: | no bundle is given (--bundle DIR)"),
		},
		{
			"the bundle lacks the server", func(n *prooftest.Network) { n.Bundle.Manifest.Files = nil },
			because("no server runs on 10.2.0.100 for pods to call: | has no program hello"),
		},
		{
			"the client's disk is full", func(n *prooftest.Network) { n.Client.FullDisk = true },
			because("no server runs on 10.2.0.100 for pods to call: no space left on device"),
		},
		{
			"the client's firewall lets nothing through", func(n *prooftest.Network) { n.Client.Firewall, n.Client.Locked = true, true },
			because("cannot be reached, not even from the node itself"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := prooftest.New(t)
				tt.change(n)
				report := prove(t, n)
				expectResults(t, report, allResults())
				expectFindings(t, report, tt.found)
				if !report.OK {
					t.Error("what cannot be tried is not a failure")
				}
			})
		})
	}
}
