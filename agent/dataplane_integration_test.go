//go:build integration

package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
)

// TestIntegrationIsland checks that IPv6 pods are part of the L2, and that IPv4 pods are behind their node's address.
func TestIntegrationIsland(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first, second := s.addNode(node1), s.addNode(node3) // the second node's ranges belong to another pool
	first.start("island")
	second.start("island")
	first.ready()
	second.ready()
	one, two, neighbour := first.addPod("one"), second.addPod("two"), first.addPod("neighbour")
	for _, p := range []*pod{one, two, neighbour} {
		p.Mirror(mirrorPort)
	}
	first.proxies("proxies of two pods", one.addrs[family.IPv6], neighbour.addrs[family.IPv6])
	second.proxies("proxy of one pod", two.addrs[family.IPv6])

	out4, out6 := netip.MustParseAddr(outside4), netip.MustParseAddr(outside6)
	sees(t, "outside to pod, IPv6", s.outside, one.addrs[family.IPv6], outside6)
	sees(t, "pod to outside, IPv6", two.Namespace, out6, two.addrs[family.IPv6].String())
	sees(t, "pod to outside, IPv4", one.Namespace, out4, first.node.Addrs[family.IPv4].String())
	sees(t, "pod to outside, IPv4, other pool", two.Namespace, out4, second.node.Addrs[family.IPv4].String())
	for _, f := range family.All() {
		sees(t, "pod to pod of another node, "+f.String(), one.Namespace, two.addrs[f], one.addrs[f].String())
		sees(t, "and back, "+f.String(), two.Namespace, one.addrs[f], two.addrs[f].String())
		sees(t, "pod to pod of its node, "+f.String(), one.Namespace, neighbour.addrs[f], one.addrs[f].String())
		sees(t, "node to its pod, "+f.String(), first.Namespace, one.addrs[f], gatewayOf(first, f))
		sees(t, "node to another's pod, "+f.String(), first.Namespace, two.addrs[f], first.node.Addrs[f].String())
	}
	first.Mirror(mirrorPort)
	sees(t, "pod to another node, IPv4", two.Namespace, first.node.Addrs[family.IPv4], two.addrs[family.IPv4].String())

	s.silent("unused address of the pod range", "fd12::1:1fe")
	s.silent("gateway of the pods", "fd12::1:101")
	s.silent("Service", "fd12::5:1")
	s.silent("VIP", "fd12::4:1")
	s.silent("address of nobody", "fd12::9:1")
	s.silent("IPv4 address of nobody", "10.2.0.222")
	s.refusesDuplicate(one.addrs[family.IPv6])
	s.answersProbe(one.addrs[family.IPv6])
}

// gatewayOf returns the source address of a node's own connections to its pods.
func gatewayOf(h *host, f family.Family) string { return h.node.Pods[f].Addr().Next().String() }

// TestIntegrationFlatIPv4 checks that IPv4 pods are part of the L2 if IPv4 is flat.
func TestIntegrationFlatIPv4(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.addNode("n1 10.2.0.5 fd12::2:5 10.2.65.0/24 fd12::1:100/120")
	second := s.addNode("n2 10.2.0.6 fd12::2:6 10.2.66.0/24 fd12::1:200/120")
	first.start("flat")
	second.start("flat")
	first.ready()
	second.ready()
	one, two := first.addPod("one"), second.addPod("two")
	one.Mirror(mirrorPort)
	two.Mirror(mirrorPort)
	first.proxies("proxies of both families", one.addrs[family.IPv4], one.addrs[family.IPv6])
	outside := family.Pair[string]{outside4, outside6}
	for _, f := range family.All() {
		sees(t, "outside to pod, "+f.String(), s.outside, one.addrs[f], outside[f])
		sees(t, "pod to outside, "+f.String(), two.Namespace, netip.MustParseAddr(outside[f]), two.addrs[f].String())
		sees(t, "pod to pod of another node, "+f.String(), one.Namespace, two.addrs[f], one.addrs[f].String())
	}
	s.silent("unused address of the pod range", "10.2.65.200")
	s.silent("address of nobody", "10.2.200.1")
	s.answersProbe(one.addrs[family.IPv4])
	if table := first.Run("nft", "list", "table", "inet", kernel.Table); strings.Contains(table, "masquerade") {
		t.Errorf("IPv4 is flat, and translated: %s", table)
	}

	// Switching to island mode and back removes the proxies and the translation of the other mode.
	first.kill()
	first.start("island")
	first.proxies("proxies of IPv6 alone", one.addrs[family.IPv6])
	sees(t, "pod to outside, IPv4, as an island", one.Namespace, netip.MustParseAddr(outside4), first.node.Addrs[family.IPv4].String())
	first.kill()
	first.start("flat")
	first.proxies("proxies of both families again", one.addrs[family.IPv4], one.addrs[family.IPv6])
	sees(t, "pod to outside, IPv4, flat again", one.Namespace, netip.MustParseAddr(outside4), one.addrs[family.IPv4].String())
}

// refusesDuplicate checks that duplicate address detection of a host that tries to take a pod's address fails.
func (s *site) refusesDuplicate(addr netip.Addr) {
	s.t.Helper()
	thief := s.l2.Host(s.t, "thief")
	// Detection does not start before the interface is up.
	for _, tt := range []struct{ addr, want string }{{addr.String(), "dadfailed"}, {"fd12::1:1fd", "free"}} {
		thief.Run("ip", "address", "add", tt.addr+"/108", "dev", "eth0")
		nettest.Eventually(s.t, tt.addr+" "+tt.want, func() error {
			shown := thief.Run("ip", "-6", "address", "show", "dev", "eth0", "to", tt.addr)
			failed := strings.Contains(shown, "dadfailed")
			if failed == (tt.want == "dadfailed") && (failed || !strings.Contains(shown, "tentative")) {
				return nil
			}
			return fmt.Errorf("address is %s", shown)
		})
	}
}

// answersProbe checks that a host that has cached a pod's address gets an answer when it probes the address. A probe is
// unicast, which the kernel handles differently from a multicast solicitation.
func (s *site) answersProbe(addr netip.Addr) {
	s.t.Helper()
	sees(s.t, "outside to pod", s.outside, addr, map[bool]string{true: outside4, false: outside6}[addr.Is4()])
	words := strings.Fields(s.outside.Run("ip", "neighbour", "show", addr.String(), "dev", "eth0"))
	at := slices.Index(words, "lladdr")
	if at < 0 {
		s.t.Fatalf("the neighbour is %s", words)
	}
	mac := words[at+1]
	s.outside.Run("ip", "neighbour", "replace", addr.String(), "lladdr", mac, "nud", "probe", "dev", "eth0")
	nettest.Eventually(s.t, "probe of "+addr.String(), func() error {
		shown := s.outside.Run("ip", "neighbour", "show", addr.String(), "dev", "eth0")
		if strings.Contains(shown, "FAILED") {
			s.t.Fatalf("nobody answered the probe: %s", shown)
		}
		if !strings.Contains(shown, "REACHABLE") {
			return fmt.Errorf("neighbour is %s", shown)
		}
		return nil
	})
}
