package render_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/render"
)

// exampleNames are the files under examples, each a scenario for everything that goes into the cluster.
func exampleNames() []string {
	return []string{"dual-stack", "flat-ipv4", "ha", "manual-lb", "per-node", "per-pool"}
}

// exampleInput judges an example and gives what is rendered of it, with nothing known of its hosts.
func exampleInput(tb testing.TB, name string) render.Input {
	tb.Helper()
	path := filepath.Join("..", "examples", name+".yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return judge(tb, path, string(data))
}

// judge gives what is rendered of valid manifests.
func judge(tb testing.TB, path, manifests string) render.Input {
	tb.Helper()
	verdict := provision.Load([]api.Source{{Name: path, Data: []byte(manifests)}})
	if verdict.Problems.HasErrors() {
		tb.Fatalf("%s is not valid:\n%v", path, verdict.Problems)
	}
	return render.Input{Config: verdict.Config, Plan: verdict.Plan}
}

// probed adds the facts of every host. Node names begin with prefix, so that the nodes of several
// clusters can be told apart.
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

// manifest renders an input and gives one of its files; "" when there is no such file.
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
