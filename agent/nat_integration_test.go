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
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/render"
)

// TestIntegrationTableIsAsRendered: what dualstrap shows of a node's table is what its agent makes of the
// plan.
func TestIntegrationTableIsAsRendered(t *testing.T) {
	t.Parallel()
	for _, example := range []string{"dual-stack", "per-pool", "ha"} {
		manifests, err := os.ReadFile("../examples/" + example + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		verdict := provision.Judge([]api.Source{{Name: example, Data: manifests}})
		hosts, err := render.Hosts(render.Input{Config: verdict.Config, Plan: verdict.Plan, Version: "v0"})
		if err != nil {
			t.Fatal(err)
		}
		var nodes []Node
		for _, planned := range verdict.Plan.Nodes {
			nodes = append(nodes, Node{
				Name: planned.Address.String(), Addrs: [2]netip.Addr{planned.Address}, Pods: [2]netip.Prefix(planned.PodCIDRs),
			})
		}
		last := hosts[len(hosts)-1]
		v, _ := viewFrom(last.Address.String(), nodes, false)
		nat, err := v.wantedNAT(uplink())
		if err != nil {
			t.Fatal(err)
		}
		namespace := nettest.New(t, "table")
		if err := namespace.Do(func() error { return kernel.WriteNAT(nat) }); err != nil {
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
		if got, err := readNAT(namespace); err != nil || !got.NAT.Equal(nat) {
			t.Errorf("%s: of the rendered file, the agent reads %+v, %v", example, got.NAT, err)
		}
	}
}

func readNAT(namespace *nettest.Namespace) (table kernel.NATTable, err error) {
	err = namespace.Do(func() error {
		table, err = kernel.ReadNAT()
		return err
	})
	return table, err
}
