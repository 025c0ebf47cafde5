package load_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/load"
)

// hostileOptions sets the fields of ProvisionOptions that accept any text.
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

// hostileTexts returns texts that break out of shells, YAML, templates and paths, drive terminals, or are long.
func hostileTexts() map[string]string {
	return map[string]string{
		"a command": "$(touch /tmp/marker)", "a command in backquotes": "`touch /tmp/marker`", "an end of quotes": `"; touch /tmp/marker; "`,
		"lines of YAML": "x\n- y: z\nkey: value", "escape sequences": "\x1b]0;title\a\x1b[2J", "an option": "-oProxyCommand=touch /tmp/marker",
		"from right to left": "a\u202eb", "a template": "{{.Foo}}", "a path": "../../../etc/shadow",
		"70,000 characters": strings.Repeat("x", 70_000),
	}
}

// scalars returns the scalar values of the documents, each with its path.
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

// TestHostileTexts tries texts that break out of shells, YAML, templates and paths, or drive terminals, in the place of
// every value of a manifest. No problem repeats what would drive a terminal. What gets through is the operator's own to
// choose, and is not bad input.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../examples/per-pool.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs, found := scalars(t, slices.Concat(example, []byte("---\n"), []byte(hostileOptions)))
	validate := func() api.Problems {
		var out bytes.Buffer
		encoder := yaml.NewEncoder(&out)
		for _, doc := range docs {
			if err := encoder.Encode(doc); err != nil {
				t.Fatal(err)
			}
		}
		return load.Manifests([]api.Source{{Name: "f", Data: out.Bytes()}}).Problems
	}
	if problems := validate(); problems.HasErrors() {
		t.Fatal(problems)
	}
	own := []string{
		"ProvisionOptions.bundle", "ProvisionOptions.metadata.name", "ProvisionOptions.ssh.knownHostsPath", "ProvisionOptions.ssh.privateKeyPath",
	}
	for path, node := range found {
		good := *node
		_, field, _ := strings.Cut(path, " ")
		for what, text := range hostileTexts() {
			node.Value, node.Tag, node.Style = text, "!!str", yaml.DoubleQuotedStyle
			problems := validate()
			if !problems.HasErrors() && slices.Contains(own, field) {
				continue
			}
			t.Run(path+" "+what, func(t *testing.T) { isRefused(t, problems) })
		}
		*node = good
	}
}

// isRefused fails the test unless there are errors, at least one has a position, and none repeats a hostile text.
func isRefused(t *testing.T, problems api.Problems) {
	t.Helper()
	if !problems.HasErrors() {
		t.Error("it is taken")
	}
	if !slices.ContainsFunc(problems, func(p api.Problem) bool { return p.Line > 0 && p.Severity == api.SeverityError }) {
		t.Errorf("nothing says where: %v", problems)
	}
	for _, problem := range problems {
		said := problem.Message + problem.Hint + problem.Path
		if strings.ContainsAny(said, "\x1b\a\u009b\u202e") || len(said) > 10_000 {
			t.Errorf("the problem repeats it: %.200q", said)
		}
	}
}
