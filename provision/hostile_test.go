package provision_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision"
)

// hostileOptions has the fields of ProvisionOptions that take any text.
const hostileOptions = `apiVersion: dualstrap.dev/v1alpha1
kind: ProvisionOptions
metadata: {name: options}
kubernetesVersion: v1.36.3
bundle: bundle
ssh:
  user: root
  privateKeyPath: /root/.ssh/id_ed25519
  knownHostsPath: /root/.ssh/known_hosts
  hostKeyPolicy: strict
  proxyJump: root@192.0.2.1
nodes:
- address: 10.2.0.4
  ipv6: fd12::2:4
  interface: eth0
network: {provider: builtin}
verify: {client: {address: 10.2.0.99}}
`

// hostileTexts break out of shells, YAML, templates and paths, or drive terminals; or are long.
func hostileTexts() []string {
	return []string{
		"$(touch /tmp/marker)", "`touch /tmp/marker`", `"; touch /tmp/marker; "`, "x\n- y: z\nkey: value", "\x1b]0;title\a\x1b[2J",
		"-oProxyCommand=touch /tmp/marker", "a\u202eb", "{{.Foo}}", "../../../etc/shadow", strings.Repeat("x", 70_000),
	}
}

// scalars are the texts of the documents, each with its path.
func scalars(t *testing.T, text []byte) (docs []*yaml.Node, found map[string]*yaml.Node) {
	t.Helper()
	found = map[string]*yaml.Node{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		doc := &yaml.Node{}
		if decoder.Decode(doc) != nil {
			break
		}
		docs = append(docs, doc)
		kind := ""
		for i, key := range doc.Content[0].Content {
			if key.Value == "kind" {
				kind = doc.Content[0].Content[i+1].Value
			}
		}
		walk(doc.Content[0], fmt.Sprintf("%d %s", len(docs), kind), found)
	}
	if len(found) < 50 {
		t.Fatalf("only %d texts", len(found))
	}
	return docs, found
}

func walk(n *yaml.Node, path string, found map[string]*yaml.Node) {
	for i, child := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			walk(child, fmt.Sprintf("%s[%d]", path, i), found)
		case i%2 == 1:
			walk(child, path+"."+n.Content[i-1].Value, found)
		}
	}
	if n.Kind == yaml.ScalarNode {
		found[path] = n
	}
}

// Every text of a manifest, and every hostile text in its place: what gets through is the operator's own to choose, and
// no problem repeats what would drive a terminal.
func TestHostileTextsInManifests(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../examples/per-pool.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs, found := scalars(t, slices.Concat(example, []byte("---\n"), []byte(hostileOptions)))
	encode := func() []byte {
		var out bytes.Buffer
		encoder := yaml.NewEncoder(&out)
		for _, doc := range docs {
			if err := encoder.Encode(doc); err != nil {
				t.Fatal(err)
			}
		}
		return out.Bytes()
	}
	if problems := provision.Judge([]api.Source{{Name: "f", Data: encode()}}).Problems; problems.HasErrors() {
		t.Fatal(problems)
	}
	taken, inputs := map[string]bool{}, 0
	for path, node := range found {
		good := *node
		for _, text := range hostileTexts() {
			inputs++
			node.Value, node.Tag, node.Style = text, "!!str", yaml.DoubleQuotedStyle
			verdict := provision.Judge([]api.Source{{Name: "f", Data: encode()}})
			if !verdict.Problems.HasErrors() {
				_, field, _ := strings.Cut(path, " ")
				taken[field] = true
			}
			for _, problem := range verdict.Problems {
				if said := problem.Message + problem.Hint + problem.Path; strings.ContainsAny(said, "\x1b\a\u009b\u202e") || len(said) > 10_000 {
					t.Errorf("%s: the problem repeats it: %.200q", path, said)
				}
			}
		}
		*node = good
	}
	want := map[string]bool{
		"ProvisionOptions.bundle": true, "ProvisionOptions.metadata.name": true,
		"ProvisionOptions.ssh.knownHostsPath": true, "ProvisionOptions.ssh.privateKeyPath": true,
	}
	if diff := cmp.Diff(want, taken); diff != "" {
		t.Errorf("of %d inputs, taken (-want +got):\n%s", inputs, diff)
	}
}
