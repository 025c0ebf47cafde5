package render_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/render"
)

// exampleNames returns the names of the files under examples, each a scenario for the manifests of a cluster.
func exampleNames() []string {
	return []string{"dual-stack", "flat-ipv4", "ha", "manual-lb", "per-node", "per-pool"}
}

// exampleInput resolves an example and returns the input for rendering it, without any facts about its hosts.
func exampleInput(tb testing.TB, name string) render.Input {
	tb.Helper()
	path := filepath.Join("..", "examples", name+".yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return resolve(tb, path, string(data))
}

// resolve returns the input for rendering manifests, which must be valid.
func resolve(tb testing.TB, path, manifests string) render.Input {
	tb.Helper()
	loaded := load.Manifests([]api.Source{{Name: path, Data: []byte(manifests)}})
	if loaded.Problems.HasErrors() {
		tb.Fatalf("%s is not valid:\n%v", path, loaded.Problems)
	}
	return render.Input{Config: loaded.Config, Plan: loaded.Plan}
}

// probed adds the facts of every host. Names of nodes begin with prefix, so that nodes of several clusters differ.
func probed(in render.Input, prefix string) render.Input {
	in.Discovered.Hosts = map[netip.Addr]render.HostFacts{}
	ipv6 := netip.MustParseAddr("fd12::2:f000")
	for _, node := range in.Plan.Nodes {
		ipv6 = ipv6.Next()
		in.Discovered.Hosts[node.Address] = render.HostFacts{
			NodeName:  prefix + "-" + strings.ReplaceAll(node.Address.String(), ".", "-"),
			IPv6:      ipv6,
			Interface: "eth0",
		}
	}
	return in
}

// manifest renders an input and returns one of its files, or an empty string if there is no such file.
func manifest(tb testing.TB, in render.Input, path string) string {
	tb.Helper()
	files, err := render.Cluster(in)
	if err != nil {
		tb.Fatal(err)
	}
	for _, file := range files {
		if file.Path == path {
			return string(file.Content)
		}
	}
	return ""
}
