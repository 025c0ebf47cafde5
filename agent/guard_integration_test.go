//go:build integration

package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
)

// hearPort is the port at which tests record datagrams.
const hearPort = 9999

// dropped returns the number of packets that the node's agent reports as dropped for a reason.
func (h *host) dropped(reason kernel.Reason) uint64 {
	h.site.t.Helper()
	_, metrics, err := h.ask("/metrics")
	if err != nil {
		h.site.t.Fatal(err)
	}
	for line := range strings.Lines(metrics) {
		if value, found := strings.CutPrefix(line, fmt.Sprintf("dualstrap_agent_dropped_packets_total{reason=%q} ", reason)); found {
			packets, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			if err != nil {
				h.site.t.Fatal(err)
			}
			return packets
		}
	}
	h.site.t.Fatalf("metrics do not count %s:\n%s", reason, metrics)
	return 0
}

// drops waits until the number of dropped packets has grown from before by exactly more.
func (h *host) drops(what string, reason kernel.Reason, before, more uint64) {
	h.site.t.Helper()
	nettest.Eventually(h.site.t, what, func() error {
		if got := h.dropped(reason) - before; got != more {
			return fmt.Errorf("%d packets were dropped as %s, want %d", got, reason, more)
		}
		return nil
	})
}

// hears waits until an ear has recorded exactly these datagrams, in any order.
func hears(t *testing.T, what string, ear *nettest.Ear, want ...string) {
	t.Helper()
	nettest.Eventually(t, what, func() error {
		if heard := slices.Sorted(slices.Values(ear.Heard())); !slices.Equal(heard, slices.Sorted(slices.Values(want))) {
			return fmt.Errorf("heard %q, want %q", heard, want)
		}
		return nil
	})
}

// TestIntegrationPodsSendAsThemselves sends packets with all kinds of forged sources from a pod with raw sockets. None
// of them arrives at a pod of another node, at a host of the L2, or at the pod's own node, and each is counted as
// dropped. Packets with the pod's own address arrive.
func TestIntegrationPodsSendAsThemselves(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first, second := s.addNode(node1), s.addNode(node2)
	first.start("island")
	second.start("island")
	first.ready()
	second.ready()
	// With a default route, there is a route back to every source.
	first.Run("ip", "route", "add", "default", "via", outside4)
	first.Run("ip", "route", "add", "default", "via", outside6)
	liar, neighbour, other := first.addPod("liar"), first.addPod("neighbour"), second.addPod("other")
	sources := map[string]family.Pair[string]{
		"a pod of its node":         {neighbour.addrs[family.IPv4].String(), neighbour.addrs[family.IPv6].String()},
		"nobody of its node's pods": {"192.168.1.77", "fd12::1:1aa"},
		"a pod of another node":     {other.addrs[family.IPv4].String(), other.addrs[family.IPv6].String()},
		"its pods' gateway":         {"192.168.1.1", "fd12::1:101"},
		"its own node":              {"10.2.0.5", "fd12::2:5"},
		"another node":              {"10.2.0.6", "fd12::2:6"},
		"a host of the L2":          {outside4, outside6},
		"a Service":                 {"172.16.0.1", "fd12::5:1"},
		"the outside":               {"198.51.100.1", "2001:db8::1"},
		"a service of clouds":       {"169.254.169.254", "fd00:ec2::254"},
	}
	targets := []struct {
		ear   *nettest.Ear
		addrs family.Pair[netip.Addr]
		own   family.Pair[string] // the pod's addresses as the target sees them
	}{
		{other.Hear(hearPort), other.addrs, family.Pair[string]{liar.addrs[family.IPv4].String(), liar.addrs[family.IPv6].String()}},
		{
			s.outside.Hear(hearPort),
			family.Pair[netip.Addr]{netip.MustParseAddr(outside4), netip.MustParseAddr(outside6)},
			family.Pair[string]{"10.2.0.5", liar.addrs[family.IPv6].String()},
		},
		{first.Hear(hearPort), first.node.Addrs, family.Pair[string]{liar.addrs[family.IPv4].String(), liar.addrs[family.IPv6].String()}},
	}
	before := first.dropped(kernel.PodSource)
	var sent uint64
	for _, target := range targets {
		var want []string
		for _, f := range family.All() {
			// The node has just cached this source as valid for the pod neighbour. It is not valid for another pod.
			neighbour.Send("eth0", nettest.Datagram(neighbour.addrs[f], other.addrs[f], hearPort+1, "itself"))
			for who, source := range sources {
				liar.Send("eth0", nettest.Datagram(netip.MustParseAddr(source[f]), target.addrs[f], hearPort, who))
				sent++
			}
			liar.Send("eth0", nettest.Datagram(liar.addrs[f], target.addrs[f], hearPort, "itself"))
			want = append(want, "itself from "+target.own[f])
		}
		hears(t, "what "+target.addrs[family.IPv6].String()+" hears", target.ear, want...)
	}
	first.drops("what pods may not send", kernel.PodSource, before, sent)

	// The counters survive that the agent writes the table again, and that it restarts.
	s.createNode(parseNode(node3))
	first.routes("of two other nodes", "192.168.2.0/24 10.2.0.6", "fd12::1:200/120 fd12::2:6",
		"172.20.0.0/23 10.2.0.7", "fd12::1:8000/119 fd12::2:7")
	first.kill()
	first.start("island")
	first.ready()
	first.drops("after the agent came back", kernel.PodSource, before, sent)
	for _, target := range targets {
		if heard := target.ear.Heard(); len(heard) != 2 {
			t.Errorf("heard in the end: %q", heard)
		}
	}
}

// TestIntegrationPodsDoNotConfigureTheNode checks that packets from pods that would change routes or addresses of the
// node are dropped, and that packets that pods need are not.
func TestIntegrationPodsDoNotConfigureTheNode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	node := s.addNode(node1)
	node.start("island")
	node.ready()
	p := node.addPod("pod")
	linkLocal := netip.MustParseAddr("fe80::1")
	allNodes := netip.MustParseAddr("ff02::1")
	body := make([]byte, 36) // long enough for each kind
	before := node.dropped(kernel.PodControl)
	for _, packet := range []nettest.Packet{
		nettest.Control(linkLocal, allNodes, 134, body...), // a router advertisement
		nettest.Control(linkLocal, node.node.Addrs[family.IPv6], 137, body...),
		nettest.Control(p.addrs[family.IPv4], node.node.Addrs[family.IPv4], 5, body...),
		nettest.Datagram(linkLocal, node.node.Addrs[family.IPv6], 547, "solicit"), // unicast, because the node has not joined ff02::1:2
		nettest.Datagram(linkLocal, allNodes, 546, "reply"),
	} {
		p.Send("eth0", packet)
	}
	node.drops("what pods may not tell their node", kernel.PodControl, before, 5)
	node.Mirror(mirrorPort)
	for _, f := range family.All() {
		// Both sides have to start neighbour discovery again.
		p.Run("ip", "neighbour", "flush", "dev", "eth0")
		sees(t, "pod to its node", p.Namespace, node.node.Addrs[f], p.addrs[f].String())
	}
	node.drops("what pods may tell their node", kernel.PodControl, before, 5)
	if lost := node.dropped(kernel.PodSource); lost != 0 {
		t.Errorf("%d packets were dropped for their source", lost)
	}
}

// TestIntegrationNeighboursCannotSendAsPods checks that a node drops packets from a host of the L2 that uses an address
// of the pods' ranges. An address that belongs to another node's pods is accepted, because its packets cannot be told
// from those of the pods.
func TestIntegrationNeighboursCannotSendAsPods(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first, second := s.addNode(node1), s.addNode(node2)
	first.start("island")
	second.start("island")
	first.ready()
	second.ready()
	first.Mirror(mirrorPort)
	ear := first.Hear(hearPort)
	before := first.dropped(kernel.OutsideSource)
	var sent uint64
	for _, source := range []string{
		"fd12::1:f001", "192.168.200.9", // of no node's range
		"fd12::1:1fe", "192.168.1.9", // of this node's pods
	} {
		from := netip.MustParseAddr(source)
		s.outside.Send("eth0", nettest.Datagram(from, first.node.Addrs[family.Of(from)], hearPort, "a thief"))
		sent++
	}
	for _, f := range family.All() {
		from := family.Pair[string]{outside4, outside6}[f]
		s.outside.Send("eth0", nettest.Datagram(netip.MustParseAddr(from), first.node.Addrs[f], hearPort, "itself"))
	}
	for _, source := range []string{"fd12::1:2fe", "192.168.2.9"} {
		from := netip.MustParseAddr(source)
		s.outside.Send("eth0", nettest.Datagram(from, first.node.Addrs[family.Of(from)], hearPort, "of another node"))
	}
	hears(t, "the node", ear, "itself from "+outside4, "itself from "+outside6,
		"of another node from 192.168.2.9", "of another node from fd12::1:2fe")
	first.drops("addresses of pods", kernel.OutsideSource, before, sent)

	// In practice: a host that takes an address of no node's range cannot connect.
	for _, addr := range []string{"fd12::1:f001", "fd12::1:1fe"} {
		thief := s.l2.Host(t, "thief", addr+"/108")
		if seen, err := thief.SeenAs(first.node.Addrs[family.IPv6].String(), mirrorPort); err == nil {
			t.Errorf("%s has reached the node, as %s", addr, seen)
		}
	}
	if first.dropped(kernel.OutsideSource) == before+sent {
		t.Error("what the thieves sent was not dropped for its source")
	}
	one, two := first.addPod("one"), second.addPod("two")
	one.Mirror(mirrorPort)
	for _, f := range family.All() {
		sees(t, "pod of another node to pod", two.Namespace, one.addrs[f], two.addrs[f].String())
	}
}
