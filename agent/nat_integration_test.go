//go:build integration

package agent

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/internal/family"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/render"
)

// TestIntegrationTableIsAsRendered checks that the table that a dry run shows for a node is the one that its agent
// writes.
func TestIntegrationTableIsAsRendered(t *testing.T) {
	t.Parallel()
	for _, example := range []string{"dual-stack", "per-pool", "ha", "flat-ipv4"} {
		manifests, err := os.ReadFile("../examples/" + example + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		loaded := load.Manifests([]api.Source{{Name: example, Data: manifests}})
		hosts, err := render.Hosts(render.Input{Config: loaded.Config, Plan: loaded.Plan, Version: "v0"})
		if err != nil {
			t.Fatal(err)
		}
		var nodes []Node
		for _, planned := range loaded.Plan.Nodes {
			nodes = append(nodes, Node{
				Name: planned.Address.String(), Addrs: family.Pair[netip.Addr]{planned.Address}, Pods: family.Pair[netip.Prefix](planned.PodCIDRs),
			})
		}
		last := hosts[len(hosts)-1]
		rules := rulesOf(t, loaded.Config, last.Address.String(), nodes)
		namespace := nettest.New(t, "table")
		if err := namespace.Do(func() error { return kernel.WriteRules(rules, nil) }); err != nil {
			t.Fatal(err)
		}
		made := namespace.Run("nft", "list", "table", "inet", kernel.Table)
		namespace.Run("nft", "delete", "table", "inet", kernel.Table)
		for _, file := range last.Files {
			if file.Path != "agent/nftables.nft" {
				continue
			}
			path := filepath.Join(t.TempDir(), "nftables.nft")
			content := strings.ReplaceAll(string(file.Content), render.KnownAfterProbe, "eth0")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			namespace.Run("nft", "--file", path)
		}
		if shown := namespace.Run("nft", "list", "table", "inet", kernel.Table); shown != made {
			t.Errorf("%s: the agent makes\n%s\nand the rendered file\n%s", example, made, shown)
		}
		if got, err := readRules(namespace); err != nil || got.Rules == nil || !got.Rules.Equal(rules) {
			t.Errorf("%s: of the rendered file, the agent reads %+v, %v", example, got.Rules, err)
		}
	}
}

// rulesOf returns the rules that the agent of a node wants.
func rulesOf(t *testing.T, config *api.Config, self string, nodes []Node) (rules kernel.Rules) {
	t.Helper()
	v, _ := viewFrom(self, nodes, config.Network.FlatIPv4)
	var err error
	if rules.NAT, err = v.wantedNAT(uplink()); err != nil {
		t.Fatal(err)
	}
	ranges := append(config.PodRanges(api.IPv4), config.PodRanges(api.IPv6)...)
	if rules.Guard, err = v.wantedGuard(kernel.State{}, ranges); err != nil {
		t.Fatal(err)
	}
	return rules
}

func readRules(namespace *nettest.Namespace) (table kernel.RuleTable, err error) {
	err = namespace.Do(func() error {
		table, err = kernel.ReadRules()
		return err
	})
	return table, err
}
