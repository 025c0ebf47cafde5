package proof_test

import (
	"net/netip"
	"regexp"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// TestWhatPassed compares what a proof says about the first target of each check. A message of a check that passed says what
// was found, so it cannot be right by chance.
func TestWhatPassed(t *testing.T) {
	t.Parallel()
	want := []string{
		"node-ready 10.2.0.4: node node-1 is ready",
		"node-pod-cidrs 10.2.0.4: 192.168.0.0/24 and fd12::1:0/120, from ranges",
		"node-addresses 10.2.0.4: 10.2.0.4 and fd12::2:4",
		"node-provider-id 10.2.0.4: baremetal://10.2.0.4",
		"node-labels 10.2.0.4: 3 labels, of pool control-plane",
		"kubelet-certificate 10.2.0.4: signed by the cluster for node-1, 10.2.0.4 and fd12::2:4, until 2000-01-01",
		"pod-ips 10.2.0.4: 192.168.0.2 and fd12::1:2",
		"pod-to-pod 10.2.0.4 -> 10.2.0.5: 192.168.0.2 called 192.168.1.2; fd12::1:2 called fd12::1:102",
		"pod-source-address 10.2.0.4 -> 10.2.0.5: of 8 packets with addresses of others none arrived, and the node dropped 8",
		"service-ip-families single-stack: 172.16.0.N",
		"service-cluster-ip 10.2.0.4: fd12::5:N answered 12 of 12 calls from 3 pods; 172.16.0.N answered 12 of 12 calls from 3 pods",
		"service-dns 10.2.0.4: 172.16.0.10 gave A and AAAA; fd12::5:a gave A and AAAA; the pod called http://require-dual-stack.NAMESPACE",
		"service-load-balancer 10.2.0.100 -> load-balancer: " +
			"fd12::4:102 answered 12 of 12 calls from 3 pods; 10.2.0.213 answered 12 of 12 calls from 3 pods",
		"flat-ipv6 10.2.0.100 -> 10.2.0.4: fd12::3:1 called fd12::1:2",
		"island-ipv4 10.2.0.4 -> 10.2.0.100: 192.168.0.2 called 10.2.0.100 as 10.2.0.4",
		"firewalld-rpfilter 10.2.0.4: IPv6_rpfilter is no, and no running rule drops by reverse path",
		"control-plane-vip 10.2.0.200:6443: it answered 10.2.0.100",
		"control-plane-balancers 10.2.0.4: haproxy and keepalived run",
	}
	synctest.Test(t, func(t *testing.T) {
		report := prove(t, prooftest.New(t))
		// The API server chooses these: the order in which Services are created is not fixed.
		namespace, assigned := regexp.MustCompile(`dualstrap-proof-\w+`), regexp.MustCompile(`(172\.16\.0\.|fd12::5:)[2-9]\w`)
		var got []string
		last := ""
		for _, result := range report.Checks {
			if result.Name != last {
				text := namespace.ReplaceAllString(result.Name+" "+result.Target+": "+result.Message, "NAMESPACE")
				got = append(got, assigned.ReplaceAllString(text, "${1}N"))
			}
			last = result.Name
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

// TestWhoAsksTheControlPlane checks from where the control plane's address is called: from outside if that is possible, and
// from a host that carries the address only if there is no other.
func TestWhoAsksTheControlPlane(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*prooftest.Network)
		status  proof.Status
		message string
	}{
		"the client": {func(*prooftest.Network) {}, proof.Passed, "it answered 10.2.0.100"},
		"a worker without a client": {
			func(n *prooftest.Network) { n.Config.VerifyClient = netip.Addr{} }, proof.Passed, "it answered 10.2.0.5",
		},
		"a worker if the client does not forward": {
			func(n *prooftest.Network) { n.Client.RefusesForwarding = true }, proof.Passed, "it answered 10.2.0.5",
		},
		"the control plane if nothing else answers": {
			func(n *prooftest.Network) {
				n.Client.Unreachable, n.Nodes[1].Unreachable, n.Nodes[2].Unreachable = true, true, true
			},
			proof.Passed, "it answered 10.2.0.4",
		},
		"nothing if no host answers": {
			func(n *prooftest.Network) {
				n.Client.Unreachable = true
				for _, node := range n.Nodes {
					node.Unreachable = true
				}
			}, proof.Skipped, "no host can be reached to ask from",
		},
		"nothing if no host forwards": {
			func(n *prooftest.Network) {
				n.Config.VerifyClient = netip.Addr{}
				for _, node := range n.Nodes {
					node.RefusesForwarding = true
				}
			}, proof.Skipped, "asked from 10.2.0.5: cannot connect through 10.2.0.5: not understood; " +
				"asked from 10.2.0.6: cannot connect through 10.2.0.6: not understood; " +
				"asked from 10.2.0.4: cannot connect through 10.2.0.4: not understood",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := prooftest.New(t)
				tt.change(n)
				for _, result := range prove(t, n).Checks {
					if result.Name == "control-plane-vip" && (result.Status != tt.status || result.Message != tt.message) {
						t.Errorf("%s: %s; want %s: %s", result.Status, result.Message, tt.status, tt.message)
					}
				}
			})
		})
	}
}
