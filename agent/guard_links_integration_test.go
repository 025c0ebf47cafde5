//go:build integration

package agent

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
)

// TestIntegrationNewPodsAreNotBelieved checks that the first packets of a new pod are validated: its interface exists
// before its routes do, and before the agent has seen it.
func TestIntegrationNewPodsAreNotBelieved(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	node := s.addNode(node1)
	node.start("island")
	node.ready()
	node.kill() // no agent sees the new pod
	early := nettest.New(t, "early")
	node.Run("ip", "link", "add", "veth12345678", "type", "veth", "peer", "name", "eth0", "netns", early.Name)
	node.Run("ip", "link", "set", "veth12345678", "up")
	own := netip.MustParseAddr("fd12::1:155")
	early.Run("ip", "address", "add", own.String()+"/128", "dev", "eth0", "nodad")
	early.Run("ip", "link", "set", "eth0", "up")
	early.Run("ip", "-6", "route", "add", "default", "dev", "eth0")
	mac := node.Run("cat", "/sys/class/net/veth12345678/address")
	early.Run("ip", "neighbour", "add", outside6, "lladdr", mac[:len(mac)-1], "dev", "eth0", "nud", "permanent")
	ear := s.outside.Hear(hearPort)
	to := netip.MustParseAddr(outside6)
	before := node.counted(kernel.PodSource)
	early.Send("eth0", nettest.Datagram(netip.MustParseAddr("fd12::2:5"), to, hearPort, "its node"))
	early.Send("eth0", nettest.Datagram(own, to, hearPort, "itself, too early"))
	nettest.Eventually(t, "both are dropped", func() error {
		if more := node.counted(kernel.PodSource) - before; more != 2 {
			return fmt.Errorf("%d packets were dropped", more)
		}
		return nil
	})
	node.Run("ip", "-6", "route", "add", own.String(), "dev", "veth12345678")
	early.Send("eth0", nettest.Datagram(netip.MustParseAddr("fd12::2:5"), to, hearPort, "its node again"))
	early.Send("eth0", nettest.Datagram(own, to, hearPort, "itself"))
	hears(t, "the outside", ear, "itself from "+own.String())
}

// counted returns a counter of the node's kernel.
func (h *host) counted(reason kernel.Reason) uint64 {
	h.site.t.Helper()
	var counters kernel.Counters
	if err := h.Do(func() (err error) {
		counters, err = kernel.ReadCounters()
		return err
	}); err != nil {
		h.site.t.Fatal(err)
	}
	return counters.Dropped()[reason]
}

// TestIntegrationGuardComesFirst checks that the guard exists before the API server answers: after a reboot, pods may
// start by then.
func TestIntegrationGuardComesFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	node := s.addNode(node1)
	node.door.set(true)
	node.start("island")
	nettest.Eventually(t, "a guard without an API server", func() error {
		table, err := readRules(node.Namespace)
		if err == nil && (table.Rules == nil || table.Rules.Guard == nil || !slices.Equal(table.Rules.Guard.HostLinks, []string{"eth0"})) {
			err = fmt.Errorf("the table is %+v", table)
		}
		return err
	})
	node.door.set(false)
	node.ready()
}

// TestIntegrationOtherLinksStay checks that packets from interfaces that do not belong to pods are accepted with any
// source, even if the interface is of the same kind as those of pods.
func TestIntegrationOtherLinksStay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	node := s.addNode(node1)
	node.start("island")
	node.ready()
	router := nettest.New(t, "router")
	node.Run("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", router.Name)
	node.Run("ip", "address", "add", "fd99::1/64", "dev", "lan0", "nodad")
	node.Run("ip", "link", "set", "lan0", "up")
	router.Run("ip", "address", "add", "fd99::2/64", "dev", "eth0", "nodad")
	router.Run("ip", "link", "set", "eth0", "up")
	router.Run("ip", "-6", "route", "add", "default", "via", "fd99::1")
	nettest.Eventually(t, "the host's own interface", func() error {
		table, err := readRules(node.Namespace)
		if err == nil && (table.Rules == nil || !slices.Contains(table.Rules.Guard.HostLinks, "lan0")) {
			err = fmt.Errorf("the table is %+v", table)
		}
		return err
	})
	ear := s.outside.Hear(hearPort)
	far := netip.MustParseAddr("2001:db8::7") // the route back to it does not use lan0
	router.Send("eth0", nettest.Datagram(far, netip.MustParseAddr(outside6), hearPort, "from afar"))
	hears(t, "the outside", ear, "from afar from "+far.String())
	node.Run("ip", "link", "delete", "lan0")
	nettest.Eventually(t, "it is forgotten", func() error {
		table, err := readRules(node.Namespace)
		if err == nil && (table.Rules == nil || slices.Contains(table.Rules.Guard.HostLinks, "lan0")) {
			err = fmt.Errorf("the table is %+v", table)
		}
		return err
	})
}

// TestIntegrationTranslatedTrafficPasses checks that a pod reaches itself through its own Service and through a port of
// its node, and that others reach it through that port.
func TestIntegrationTranslatedTrafficPasses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	node := s.addNode(node1)
	node.start("island")
	node.ready()
	p := node.addPod("pod")
	p.Mirror(mirrorPort)
	for _, f := range family.All() {
		node.Run("nft", fmt.Sprintf(`table %[1]s services {
			chain prerouting {
				type nat hook prerouting priority dstnat
				%[1]s daddr %[2]s tcp dport %[4]s dnat to %[3]s
				fib daddr type local tcp dport %[4]s dnat to %[3]s
			}
			chain postrouting {
				type nat hook postrouting priority srcnat
				%[1]s saddr %[3]s %[1]s daddr %[3]s masquerade
			}
		}`, family.Pair[string]{"ip", "ip6"}[f], family.Pair[string]{"172.16.0.1", "fd12::5:1"}[f], p.addrs[f], mirrorPort))
		sees(t, "pod to its own Service", p.Namespace, netip.MustParseAddr(family.Pair[string]{"172.16.0.1", "fd12::5:1"}[f]), gatewayOf(node, f))
		sees(t, "pod to itself by its node's port", p.Namespace, node.node.Addrs[f], gatewayOf(node, f))
		sees(t, "outside to pod by its node's port", s.outside, node.node.Addrs[f], family.Pair[string]{outside4, outside6}[f])
	}
	for _, reason := range []kernel.Reason{kernel.PodSource, kernel.PodControl, kernel.OutsideSource} {
		if packets := node.dropped(reason); packets != 0 {
			t.Errorf("%d packets were dropped as %s", packets, reason)
		}
	}
}

// TestIntegrationAddressesAreTakenFromPods checks that packets of a pod are accepted from addresses that are routed to
// it, and dropped after the routes are removed, even if the pod never stops sending.
func TestIntegrationAddressesAreTakenFromPods(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	node := s.addNode(node1)
	node.start("island")
	node.ready()
	p := node.addPod("pod")
	ear := node.Hear(hearPort)
	for _, f := range family.All() {
		p.Send("eth0", nettest.Datagram(p.addrs[f], node.node.Addrs[f], hearPort, "routed"))
	}
	hears(t, "the node", ear, "routed from "+p.addrs[family.IPv4].String(), "routed from "+p.addrs[family.IPv6].String())
	for _, f := range family.All() {
		before := node.dropped(kernel.PodSource)
		node.Run("ip", "route", "delete", p.addrs[f].String())
		nettest.Eventually(t, "its address "+p.addrs[f].String()+" is not believed", func() error {
			p.Send("eth0", nettest.Datagram(p.addrs[f], node.node.Addrs[f], hearPort, "taken"))
			if node.dropped(kernel.PodSource) == before {
				return errors.New("nothing is dropped")
			}
			return nil
		})
	}
}
