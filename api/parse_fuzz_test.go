package api_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

// FuzzParse decodes arbitrary bytes as manifests. It must not panic, every position must lie in the input, and a
// second run must return the same.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"everything.yaml", "cluster-snippet.yaml", "cidr-config-snippets.yaml", "address-pools-snippet.yaml"} {
		f.Add(parseSource(f, name).Data)
	}
	for _, seed := range []string{
		"kind: Cluster\napiVersion: v1\nmetadata: {name: a, uid: b}\nspec: {nodeConfig: {podDensity: {maxPodsPerNode: 1e9}}}\n",
		"kind: &k Nodepool\napiVersion: *k\nspec: {nodes: [*k, {address: *k}, ~]}\n",
		"sshPrivateKeyPath: a\n...\nfoo: b\n---\nkind: List\n---\nkind: BGPPeer\n---\n- a\n",
		"kind: Namespace\nmetadata:\n\tname: a\n  labels\n    a: b\n", "kind: ProvisionOptions\nssh:\n  port: 0x1F\n  <<: {a: b}\n",
		"\xff\xfe", "a: \x00", "caf\xe9", "a: &a [*a]\n", strings.Repeat("[", 200), strings.Repeat("a: {b: ", 60),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, problems := api.Parse([]api.Source{{Name: "-", Data: data}})
		lines := 1 + bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r"))
		for _, p := range problems {
			if p.Line < 0 || p.Line > lines || p.Column < 0 || p.Column > len(data)+1 || p.Message == "" || p.Rule == "" || p.File != "-" {
				t.Errorf("%d lines have the problem %+v", lines, p)
			}
		}
		if m.Incomplete && !problems.HasErrors() {
			t.Error("the manifests are incomplete, and no problem says why")
		}
		_, again := api.Parse([]api.Source{{Name: "-", Data: data}})
		if diff := cmp.Diff(problems, again); diff != "" {
			t.Errorf("a second run finds otherwise:\n%s", diff)
		}
		for _, o := range m.NodePools {
			at := o.At("spec.nodes[0].address")
			if line, column := at.Doc.Position(at.Path); line < o.Doc.Line || line > lines || column < 1 {
				t.Errorf("%s is at %d:%d of %d lines", at.Path, line, column, lines)
			}
		}
	})
}
