//go:build integration

package agent

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/internal/family"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/render"
)

// TestIntegrationPodsReachOfNodesWhatTheyNeed checks, with a real firewalld, that pods reach exactly the ports of a
// node that they need, and that a host that takes an address of pods does not. Through the node, pods reach every
// destination and are reached. A node that was set up to let pods reach all of its ports is changed to the same state.
func TestIntegrationPodsReachOfNodesWhatTheyNeed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	node := s.addNode(node1)
	command := node.startFirewalld()
	command("--permanent", "--zone=public", "--add-interface=eth0")
	command("--permanent", "--zone=public", "--add-port="+mirrorPort+"/tcp")
	command("--reload")
	before := podChanges(t, "all")
	for _, change := range before {
		command(change.Args()...)
	}
	command("--reload")
	node.start("island")
	node.ready()
	one, two := node.addPod("one"), node.addPod("two")
	for _, namespace := range []*nettest.Namespace{one.Namespace, two.Namespace} {
		namespace.Mirror(mirrorPort)
	}
	ports := []string{"10250", "30080", "2379", "9999"}
	for _, port := range ports {
		node.Mirror(port)
	}
	reached := func(from *nettest.Namespace) string {
		var reached []string
		for _, f := range family.All() {
			for _, port := range ports {
				if _, err := from.SeenAs(node.node.Addrs[f].String(), port); err == nil {
					reached = append(reached, port)
				}
			}
		}
		return strings.Join(reached, " ")
	}
	through := func(when string) {
		t.Helper()
		for f, outside := range []string{outside4, outside6} {
			want := []string{node.node.Addrs[family.IPv4].String(), one.addrs[family.IPv6].String()}[f]
			sees(t, "pod to outside "+when, one.Namespace, netip.MustParseAddr(outside), want)
			sees(t, "pod to pod "+when, one.Namespace, two.addrs[f], one.addrs[f].String())
			sees(t, "node to pod "+when, node.Namespace, one.addrs[f], gatewayOf(node, family.Family(f)))
		}
		sees(t, "outside to pod "+when, s.outside, one.addrs[family.IPv6], outside6)
	}
	through("with all")
	if got := reached(one.Namespace); got != "10250 30080 2379 9999 10250 30080 2379 9999" {
		t.Errorf("with all, pods reach %s", got)
	}

	// The next run adds the changes that are missing, as it determines by comparing them.
	after := podChanges(t, "needed")
	for _, change := range after {
		if !slices.Contains(before, change) {
			command(change.Args()...)
		}
	}
	command("--reload")
	through("with what is needed")
	if got := reached(one.Namespace); got != "10250 30080 10250 30080" {
		t.Errorf("with what is needed, pods reach %s", got)
	}
	// A host that is not a pod does not even reach those, with any address of the pods' ranges.
	thief := s.l2.Host(t, "thief", "fd12::1:f001/108")
	if got := reached(thief); got != "" {
		t.Errorf("a neighbour with an address of pods reaches %s", got)
	}
	// Without the agent's table, the zone alone opens to it the same ports as to pods.
	node.kill()
	node.Run("nft", "delete", "table", "inet", "dualstrap")
	if got := reached(thief); got != "10250 30080" {
		t.Errorf("without the agent, a neighbour with an address of pods reaches %s", got)
	}
}

// podChanges returns the changes to firewalld that pods need on a worker.
func podChanges(t *testing.T, reach string) []firewalld.Change {
	t.Helper()
	manifests, err := os.ReadFile(filepath.Join("..", "examples", "dual-stack.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	manifests = fmt.Appendf(manifests, "\n---\napiVersion: dualstrap.dev/v1alpha1\nkind: ProvisionOptions\n"+
		"firewall:\n  podsReachNodes: %s\n", reach)
	loaded := load.Manifests([]api.Source{{Name: "dual-stack", Data: manifests}})
	if len(loaded.Problems) > 0 {
		t.Fatal(loaded.Problems)
	}
	hosts, err := render.Hosts(render.Input{Config: loaded.Config, Plan: loaded.Plan, Version: "v0"})
	if err != nil {
		t.Fatal(err)
	}
	var changes []firewalld.Change
	for _, change := range hosts[len(hosts)-1].Firewalld.Changes {
		if change.Zone == "dualstrap-pods" || change.Policy != "" || change.Kind == firewalld.NewZone ||
			change.Kind == firewalld.NewPolicy {
			changes = append(changes, change)
		}
	}
	return changes
}
