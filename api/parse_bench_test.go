package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
)

// poolOf returns a Cluster and a NodePool with n nodes, in the usual form.
func poolOf(n int) api.Source {
	var b strings.Builder
	b.WriteString("apiVersion: baremetal.cluster.gke.io/v1\nkind: Cluster\nmetadata:\n  name: a\nspec:\n  type: standalone\n---\n")
	b.WriteString("apiVersion: baremetal.cluster.gke.io/v1\nkind: NodePool\nmetadata:\n  name: workers\nspec:\n  clusterName: a\n  nodes:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - address: 10.%d.%d.%d\n", i>>16, i>>8&0xff, i&0xff)
	}
	return api.Source{Name: "nodes.yaml", Data: []byte(b.String())}
}

// large returns limits above any real manifest, to measure the cost.
func large() api.Limits { return api.Limits{Nodes: 1 << 20, Bytes: 64 << 20, Total: 64 << 20} }

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{5_000, 100_000} {
		b.Run(fmt.Sprintf("nodes=%d", n), func(b *testing.B) {
			source := poolOf(n)
			b.SetBytes(int64(len(source.Data)))
			b.ReportAllocs()
			for b.Loop() {
				m, problems := api.ParseWithin([]api.Source{source}, large())
				if len(problems) > 0 || len(m.NodePools[0].Value.Spec.Nodes) != n {
					b.Fatal(listed(problems))
				}
			}
		})
	}
}

// BenchmarkPosition looks up every node, as a rule does that reports each.
func BenchmarkPosition(b *testing.B) {
	const n = 100_000
	m, _ := api.Parse([]api.Source{poolOf(n)})
	b.ReportAllocs()
	for b.Loop() {
		for i := range n {
			at := m.NodePools[0].At(fmt.Sprintf("spec.nodes[%d].address", i))
			if line, _ := at.Doc.Position(at.Path); line != i+15 {
				b.Fatalf("%s is at line %d", at.Path, line)
			}
		}
	}
}
