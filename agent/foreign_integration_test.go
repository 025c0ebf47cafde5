//go:build integration

package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/internal/family"
)

// TestIntegrationForeignStays checks that the agent leaves third-party configuration alone, and repairs its own, also
// without the API server.
func TestIntegrationForeignStays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	node, peer := s.addNode(node1), parseNode(node2)
	s.createNode(peer)
	for _, change := range []string{
		"ip route add 198.51.100.0/24 via 10.2.0.100 proto static",
		"ip -6 route add fd12::9:0/120 via fd12::3:1 proto static",
		"ip -6 neighbour add proxy fd12::9:9 dev eth0",
		"ip neighbour add proxy 10.2.0.77 dev eth0",
		"nft add table inet other",
		"nft add chain inet other c { type nat hook postrouting priority 50; }",
		"nft add table ip dualstrap", // of another family than the agent's
	} {
		node.Run(strings.Fields(change)...)
	}
	foreign := func() string {
		return node.Run("ip", "route", "show", "proto", "static") + node.Run("ip", "-6", "route", "show", "proto", "static") +
			node.Run("nft", "list", "table", "inet", "other") + node.Run("nft", "list", "table", "ip", "dualstrap")
	}
	before := foreign()
	others := []netip.Addr{netip.MustParseAddr("fd12::9:9"), netip.MustParseAddr("10.2.0.77")}
	node.start("island")
	node.ready()
	p := node.addPod("pod")
	p.Mirror(mirrorPort)
	routes := []string{"192.168.2.0/24 10.2.0.6", "fd12::1:200/120 fd12::2:6"}
	node.proxies("with an agent", append(slices.Clone(others), p.addrs[family.IPv6])...)
	node.routes("with an agent", routes...)

	node.door.set(true) // the API server is unreachable
	second := node.addPod("second")
	all := append(slices.Clone(others), p.addrs[family.IPv6], second.addrs[family.IPv6])
	node.proxies("without the API server", all...)
	node.Run("nft", "delete", "table", "inet", "dualstrap")
	node.Run("ip", "route", "delete", "192.168.2.0/24")
	node.Run("sysctl", "-w", "net.ipv6.conf.all.proxy_ndp=0")
	node.routes("without the API server", routes...)
	nettest.Eventually(t, "sysctl set again", func() error {
		if value := node.Run("sysctl", "-n", "net.ipv6.conf.all.proxy_ndp"); strings.TrimSpace(value) != "1" {
			return fmt.Errorf("it is %s", value)
		}
		return nil
	})
	sees(t, "pod to outside without the API server", p.Namespace, netip.MustParseAddr(outside4), "10.2.0.5")
	sees(t, "outside to pod without the API server", s.outside, p.addrs[family.IPv6], outside6)
	node.kill()
	node.start("island")
	nettest.Eventually(t, "unready before the API server answers", func() error {
		_, body, err := node.ask("/readyz")
		if err == nil && !strings.Contains(body, "has not answered yet") {
			err = fmt.Errorf("readyz says %q", body)
		}
		return err
	})
	node.proxies("before the API server answers", all...)
	node.routes("before the API server answers", routes...)

	node.door.set(false)
	s.deleteNode(peer.Name)
	node.routes("after the API server came back")
	if after := foreign(); after != before {
		t.Errorf("what others made has changed from\n%s\nto\n%s", before, after)
	}
	// A third-party route to another node's pods is reported, not replaced.
	node.Run("ip", "route", "add", "192.168.2.0/24", "via", "10.2.0.100", "proto", "static")
	s.createNode(peer)
	node.routes("those that can be", routes[1])
	nettest.Eventually(t, "a conflict is reported", func() error {
		_, body, err := node.ask("/readyz")
		if err == nil && !strings.Contains(body, "that the agent did not make") {
			err = fmt.Errorf("readyz says %q", body)
		}
		return err
	})
	if _, metrics, err := node.ask("/metrics"); err != nil || !strings.Contains(metrics, `dualstrap_agent_failing{part="routes-ipv4"} 1`) {
		t.Errorf("metrics do not tell: %v\n%s", err, metrics)
	}
	// Cleanup does not remove it either.
	mixed := foreign()
	node.stop()
	node.cleanup()
	node.routes("after cleaning up")
	node.proxies("after cleaning up", others...)
	if after := foreign(); after != mixed {
		t.Errorf("cleaning up has changed what others made from\n%s\nto\n%s", mixed, after)
	}
}
