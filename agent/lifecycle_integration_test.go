//go:build integration

package agent

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/internal/family"
	"github.com/dualstrap/dualstrap/render/cni"
)

// TestIntegrationProxiesFollowPods checks that the kernel answers for exactly the existing pods, through restarts,
// interfaces that go down, and pods that come and go.
func TestIntegrationProxiesFollowPods(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	node := s.addNode(node1)
	node.start("island")
	node.ready()
	const many = 50
	names := make([]string, many)
	for i := range names {
		names[i] = fmt.Sprintf("pod%d", i)
	}
	pods := node.addPods(names...)
	var addrs []netip.Addr
	for _, p := range pods {
		addrs = append(addrs, p.addrs[family.IPv6])
	}
	pods[many-1].Mirror(mirrorPort)
	last := addrs[many-1]
	node.proxies("after creating 50 pods", addrs...)
	node.deletePods(pods[:many/2]...)
	addrs = addrs[many/2:]
	node.proxies("after deleting half of them", addrs...)

	node.kill()
	node.proxies("after the agent was killed", addrs...)
	node.deletePods(pods[many/2])
	meanwhile := node.addPod("meanwhile")
	addrs = append(addrs[1:], meanwhile.addrs[family.IPv6])
	node.start("island")
	node.proxies("after the agent came back", addrs...)

	node.Run("ip", "link", "set", "eth0", "down")
	node.proxies("while the uplink is down")
	node.Run("ip", "link", "set", "eth0", "up")
	node.proxies("after the uplink came back", addrs...)
	sees(t, "outside to pod after the flap", s.outside, last, outside6)

	node.Run("ip", "-6", "neighbour", "delete", "proxy", last.String(), "dev", "eth0")
	node.proxies("after another program deleted one", addrs...)
	node.Run("ip", "-6", "neighbour", "add", "proxy", "fd12::1:1fe", "dev", "eth0")
	node.proxies("after another program added one of the node's range", addrs...)

	node.stop()
	node.proxies("after the agent ended", addrs...)
	sees(t, "outside to pod without an agent", s.outside, last, outside6)
	node.deletePods(append(pods[many/2+1:], meanwhile)...)
	node.start("island")
	node.proxies("after all pods are gone")
}

// TestIntegrationRoutesFollowNodes checks routes while Nodes are created, deleted, and created again with other ranges.
func TestIntegrationRoutesFollowNodes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.addNode(node1)
	first.start("island")
	first.routes("alone")
	second, third := parseNode(node2), parseNode(node3)
	s.createNode(second)
	s.createNode(third)
	two := []string{"192.168.2.0/24 10.2.0.6", "fd12::1:200/120 fd12::2:6"}
	three := []string{"172.20.0.0/23 10.2.0.7", "fd12::1:8000/119 fd12::2:7"}
	first.routes("three nodes", append(two, three...)...)
	s.deleteNode(third.Name)
	first.routes("one less", two...)
	s.deleteNode(second.Name)
	second.Pods = family.Pair[netip.Prefix]{netip.MustParsePrefix("192.168.9.0/24"), netip.MustParsePrefix("fd12::1:900/120")}
	s.createNode(second)
	other := []string{"192.168.9.0/24 10.2.0.6", "fd12::1:900/120 fd12::2:6"}
	first.routes("the other with other ranges", other...)

	first.Run("ip", "route", "delete", "192.168.9.0/24")
	first.routes("after another program deleted one", other...)
	first.Run("ip", "link", "set", "eth0", "down")
	first.Run("ip", "link", "set", "eth0", "up")
	first.routes("after the uplink came back", other...)
	first.kill()
	s.deleteNode(second.Name)
	first.start("island")
	first.routes("after a node was removed while the agent was down")
}

// TestIntegrationOwnNodeComesAgain checks an agent whose own Node is created again, at first without ranges and then
// with others.
func TestIntegrationOwnNodeComesAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	early := s.addNode("n1 10.2.0.5 fd12::2:5 - -")
	early.start("island")
	nettest.Eventually(t, "unready for want of ranges", func() error {
		_, body, err := early.ask("/readyz")
		if err == nil && !strings.Contains(body, "no IPv4 and no IPv6 podCIDR yet") {
			err = fmt.Errorf("readyz says %q", body)
		}
		return err
	})
	config := filepath.Join(early.dir, cni.FileName)
	if _, err := os.Stat(config); !os.IsNotExist(err) {
		t.Errorf("there is a CNI configuration before there are ranges: %v", err)
	}
	if status, body, err := early.ask("/healthz"); status != 200 || err != nil {
		t.Errorf("healthz: %d %s %v", status, body, err)
	}
	s.ranges("n1", "192.168.1.0/24", "fd12::1:100/120")
	early.ready()
	p := early.addPod("pod")
	early.proxies("of the first range", p.addrs[family.IPv6])

	s.deleteNode("n1")
	nettest.Eventually(t, "unready without its node", func() error {
		_, body, err := early.ask("/readyz")
		if err == nil && !strings.Contains(body, "there is no node n1") {
			err = fmt.Errorf("readyz says %q", body)
		}
		return err
	})
	early.proxies("without its node", p.addrs[family.IPv6])
	s.createNode(parseNode("n1 10.2.0.5 fd12::2:5 192.168.7.0/24 fd12::1:700/120"))
	early.proxies("of the other range")
	nettest.Eventually(t, "configuration of the other range", func() error {
		content, err := os.ReadFile(config)
		if err == nil && !strings.Contains(string(content), "192.168.7.0/24") {
			err = fmt.Errorf("CNI configuration is %s", content)
		}
		return err
	})
	early.ready()
	fresh := early.addPod("fresh")
	early.proxies("of a pod of the other range", fresh.addrs[family.IPv6])
	sees(t, "pod of the other range to outside", fresh.Namespace, netip.MustParseAddr(outside4), "10.2.0.5")

	early.stop()
	early.cleanup()
	early.proxies("after cleaning up")
	early.routes("after cleaning up")
	if tables := early.Run("nft", "list", "tables"); tables != "" {
		t.Errorf("after cleaning up, there are %s", tables)
	}
	if _, err := os.Stat(config); !os.IsNotExist(err) {
		t.Errorf("after cleaning up, there is a CNI configuration: %v", err)
	}
}

// ranges sets the podCIDRs of a Node.
func (s *site) ranges(name string, cidrs ...string) {
	s.t.Helper()
	node, err := s.client.CoreV1().Nodes().Get(s.t.Context(), name, metav1.GetOptions{})
	if err == nil {
		node.Spec.PodCIDRs, node.Spec.PodCIDR = cidrs, cidrs[0]
		_, err = s.client.CoreV1().Nodes().Update(s.t.Context(), node, metav1.UpdateOptions{})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}
