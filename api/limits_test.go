package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

// twoPools returns pools with the given numbers of nodes.
func twoPools(first, second int) []api.Source {
	pool := func(name string, nodes int) string {
		return "---\napiVersion: baremetal.cluster.gke.io/v1\nkind: NodePool\nmetadata:\n  name: " + name +
			"\nspec:\n  clusterName: a\n  nodes:\n" +
			strings.Repeat("  - address: 10.2.0.4\n", nodes)
	}
	return []api.Source{{Name: "nodes.yaml", Data: []byte(pool("a", first) + pool("b", second))}}
}

func TestAsManyNodesAsThereMayBe(t *testing.T) {
	t.Parallel()
	if m, problems := api.Parse(twoPools(9_000, 1_000)); len(problems) > 0 || m.Incomplete {
		t.Errorf("problems %v, incomplete: %t", problems, m.Incomplete)
	}
}

// TestHostileNodeCounts tries more nodes than allowed: they are one problem, at its position, and no rule sees the
// rest.
func TestHostileNodeCounts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		first, more int
		want        string
	}{
		{"one more", 9_000, 1_001, `nodes.yaml:10017:5: NodePool/b spec.nodes[1000]: the pools have more than 10000 nodes together`},
		{"in the first pool", 10_001, 5, `nodes.yaml:10009:5: NodePool/a spec.nodes[10000]: the pools have more than 10000 nodes together`},
		{"200,000", 200_000, 0, `nodes.yaml:10009:5: NodePool/a spec.nodes[10000]: the pools have more than 10000 nodes together`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, problems := api.Parse(twoPools(test.first, test.more))
			var got []string
			for _, p := range problems {
				got = append(got, fmt.Sprintf("%s:%d:%d: %s %s: %s", p.File, p.Line, p.Column, p.Object, p.Path, p.Message))
			}
			if diff := cmp.Diff([]string{test.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			kept := 0
			for _, pool := range m.NodePools {
				kept += len(pool.Value.Spec.Nodes)
			}
			if kept > 10_000 || !m.Incomplete {
				t.Errorf("%d nodes are kept, incomplete: %t", kept, m.Incomplete)
			}
			if _, more := api.Resolve(m); len(more) > 1000 {
				t.Errorf("%d more problems", len(more))
			}
		})
	}
}

// TestHostileSourceSizes tries files and values that are too large: they are refused before they are parsed.
func TestHostileSourceSizes(t *testing.T) {
	t.Parallel()
	source := func(name string, size int) api.Source {
		return api.Source{Name: name, Data: []byte("a: \"" + strings.Repeat("b", size-5) + "\"")}
	}
	for _, test := range []struct {
		name    string
		sources []api.Source
		want    string
	}{
		{"one", []api.Source{source("a.yaml", 8<<20+1)}, "a.yaml: the file is larger than 8 MiB"},
		{"one value", []api.Source{source("a.yaml", 1<<20)}, "a.yaml: a single value has more than 64 KiB"},
		{
			"together",
			[]api.Source{source("a.yaml", 16<<20), source("b.yaml", 9), source("c.yaml", 9)},
			"a.yaml: the file is larger than 8 MiB, b.yaml: with this file the manifests are larger than 16 MiB together",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, problems := api.Parse(test.sources)
			var got []string
			for _, p := range problems {
				got = append(got, p.File+": "+p.Message)
			}
			if strings.Join(got, ", ") != test.want || !m.Incomplete {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
