package load_test

import (
	stdcmp "cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/load"
)

func loadFile(t *testing.T, path string) load.Cluster {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return load.Manifests([]api.Source{{Name: filepath.Base(path), Data: data}})
}

// blocks formats a plan's nodes as ADDRESS IPV4 IPV6 CONFIG.
func blocks(plan *api.Plan) []string {
	lines := make([]string, len(plan.Nodes))
	for i, node := range plan.Nodes {
		lines[i] = fmt.Sprint(node.Address, " ", node.PodCIDRs[0], " ", node.PodCIDRs[1], " ", node.ClusterCIDRConfig)
	}
	return lines
}

func TestExamples(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"dual-stack.yaml": {
			"10.2.0.4 192.168.0.0/24 fd12::1:0/120 cluster-wide-ranges",
			"10.2.0.5 192.168.1.0/24 fd12::1:100/120 cluster-wide-ranges", // as the documentation shows
			"10.2.0.6 192.168.2.0/24 fd12::1:200/120 cluster-wide-ranges",
		},
		"per-node.yaml": {
			"10.2.0.4 192.168.0.0/24 fd12::1:100/120 cluster-wide-ranges",
			"10.2.0.5 192.168.1.0/24 fd12::1:0/120 range-node1",
			"10.2.0.6 192.168.2.0/24 fd12::1:200/120 cluster-wide-ranges",
		},
		"per-pool.yaml": {
			"10.2.0.4 192.168.0.0/24 fd12::1:0/120 cluster-wide-ranges",
			"10.2.0.5 192.168.64.0/24 fd12::1:4000/120 worker-pool-ranges",
			"10.2.0.6 192.168.65.0/24 fd12::1:4100/120 worker-pool-ranges",
			"10.2.0.7 192.168.128.0/23 fd12::1:8000/119 storage-pool-ranges",
			"10.2.0.8 192.168.130.0/23 fd12::1:8200/119 storage-pool-ranges",
		},
		"flat-ipv4.yaml": {
			"10.2.0.4 10.2.64.0/24 fd12::1:0/120 cluster-wide-ranges",
			"10.2.0.5 10.2.65.0/24 fd12::1:100/120 cluster-wide-ranges",
			"10.2.0.6 10.2.66.0/24 fd12::1:200/120 cluster-wide-ranges",
		},
		"manual-lb.yaml": numbered(5),
		"ha.yaml":        numbered(10),
	}
	examples, err := filepath.Glob("../../examples/*")
	if err != nil || len(examples) != len(want) {
		t.Fatalf("found %d examples, know %d: %v", len(examples), len(want), err)
	}
	for _, path := range examples {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loaded := loadFile(t, path)
			if len(loaded.Problems) > 0 {
				t.Fatalf("problems: %v", loaded.Problems)
			}
			if diff := cmp.Diff(want[name], blocks(loaded.Plan)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// numbered returns the plan of nodes that take the blocks of the documentation's ranges in order.
func numbered(nodes int) []string {
	lines := make([]string, nodes)
	for i := range lines {
		v6 := fmt.Sprintf("fd12::1:%x/120", i<<8)
		lines[i] = fmt.Sprintf("10.2.0.%d 192.168.%d.0/24 %s cluster-wide-ranges", i+4, i, v6)
	}
	return lines
}

func TestEveryNodeWithoutPodRangesIsAProblem(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../examples/dual-stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(string(example)) }
	const hint = "widen a ClusterCIDRConfig, or add one whose nodeSelector matches the node"
	var workers strings.Builder
	for i := range 30 {
		fmt.Fprintf(&workers, "  - address: 10.2.0.%d\n", i+10)
	}
	tests := map[string]struct {
		manifests string
		want      []string
		problems  int
		hint      string
	}{
		"no ClusterCIDRConfig matches": {
			manifests: change("    perNodeMaskSize: 120", "    perNodeMaskSize: 120\n  nodeSelector:\n    matchLabels:\n"+
				"      baremetal.cluster.gke.io/node-pool: workers"),
			want:     []string{"Cluster/dual-stack spec.controlPlane.nodePoolSpec.nodes[0]", "no ClusterCIDRConfig", "cluster-wide-ranges"},
			problems: 1,
			hint: "add one without nodeSelector, or one with matchLabels: {baremetal.cluster.gke.io/node-pool: dual-stack} " +
				"for all nodes of the pool",
		},
		"a pool without a ClusterCIDRConfig is one problem": {
			manifests: change("    perNodeMaskSize: 120", "    perNodeMaskSize: 120\n  nodeSelector:\n    matchLabels:\n"+
				"      baremetal.cluster.gke.io/node-pool: dual-stack"),
			want:     []string{"NodePool/workers spec.nodes[0]", "no ClusterCIDRConfig"},
			problems: 1,
			hint: "add one without nodeSelector, or one with matchLabels: {baremetal.cluster.gke.io/node-pool: workers} " +
				"for all nodes of the pool",
		},
		"the only one is exhausted": {
			manifests: change("192.168.0.0/16", "192.168.0.0/18", "perNodeMaskSize: 24", "perNodeMaskSize: 19",
				"fd12::1:0/112", "fd12::1:0/114", "perNodeMaskSize: 120", "perNodeMaskSize: 115"),
			want:     []string{"NodePool/workers spec.nodes[1]", "cluster-wide-ranges", "192.168.0.0/18"},
			problems: 1,
		},
		"thirty nodes are one long story": {
			manifests: change("192.168.0.0/16", "192.168.0.0/18", "perNodeMaskSize: 24", "perNodeMaskSize: 19",
				"fd12::1:0/112", "fd12::1:0/114", "perNodeMaskSize: 120", "perNodeMaskSize: 115") +
				"---\napiVersion: baremetal.cluster.gke.io/v1\nkind: NodePool\nmetadata:\n  name: more\n" +
				"  namespace: cluster-dual-stack\nspec:\n  clusterName: dual-stack\n  nodes:\n" + workers.String(),
			want:     []string{"NodePool/more spec.nodes[18]", "; so do 11 more nodes"},
			problems: 20,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loaded := load.Manifests([]api.Source{{Name: "f", Data: []byte(test.manifests)}})
			if loaded.Plan != nil {
				t.Error("there is a plan")
			}
			if len(loaded.Problems) != test.problems {
				t.Fatalf("%d problems, want %d: %v", len(loaded.Problems), test.problems, loaded.Problems)
			}
			last := loaded.Problems[len(loaded.Problems)-1]
			for _, part := range test.want {
				if !strings.Contains(last.String(), part) {
					t.Errorf("%q does not say %q", last, part)
				}
			}
			if last.Hint != stdcmp.Or(test.hint, hint) || last.Line == 0 {
				t.Errorf("hint %q at line %d", last.Hint, last.Line)
			}
		})
	}
}
