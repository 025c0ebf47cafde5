package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/render/schema"
)

// compile returns a validator for the schema, after validating the schema itself against its draft.
func compile(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	text, err := schema.JSON()
	if err != nil {
		tb.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("manifests.json", document); err != nil {
		tb.Fatal(err)
	}
	compiled, err := compiler.Compile("manifests.json")
	if err != nil {
		tb.Fatalf("the schema is not valid: %v", err)
	}
	return compiled
}

// documents decodes a YAML stream as editors do, without empty documents.
func documents(tb testing.TB, stream []byte) []any {
	tb.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader(stream))
	var all []any
	for {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			tb.Fatal(err)
		}
		if document == nil {
			continue
		}
		text, err := json.Marshal(document)
		if err != nil {
			tb.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, value)
	}
}

// TestValidManifests validates every manifest of the repository that is meant to be valid.
func TestValidManifests(t *testing.T) {
	t.Parallel()
	compiled := compile(t)
	for _, dir := range []string{"examples", "api/testdata/valid"} {
		paths, err := filepath.Glob(filepath.Join("..", "..", dir, "*.yaml"))
		if err != nil || len(paths) < 6 {
			t.Errorf("%d files in %s, error %v", len(paths), dir, err)
		}
		for _, path := range paths {
			stream, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i, document := range documents(t, stream) {
				if err := compiled.Validate(document); err != nil {
					t.Errorf("document %d of %s: %v", i, path, err)
				}
			}
		}
	}
}

const (
	namespace = "apiVersion: v1\nkind: Namespace\n"
	pool      = "apiVersion: baremetal.cluster.gke.io/v1\nkind: NodePool\nmetadata: {name: p, namespace: n}\n"
	ranges    = "apiVersion: baremetal.cluster.gke.io/v1alpha1\nkind: ClusterCIDRConfig\nmetadata: {name: r, namespace: n}\n"
	options   = "apiVersion: dualstrap.dev/v1alpha1\nkind: ProvisionOptions\n"
	both      = "spec: {ipv4: {cidr: 192.168.0.0/16, perNodeMaskSize: 24}, ipv6: {cidr: \"fd12::1:0/112\", perNodeMaskSize: 120}"
	cluster   = `apiVersion: baremetal.cluster.gke.io/v1
kind: Cluster
metadata: {name: c, namespace: n}
spec:
  type: standalone
  anthosBareMetalVersion: 1.36
  controlPlane: {nodePoolSpec: {nodes: [{address: 10.2.0.4}]}}
  clusterNetwork: {services: {cidrBlocks: [172.16.0.0/20, "fd12::5:0/116"]}}
  loadBalancer: {mode: manual, ports: {controlPlaneLBPort: 443}, vips: {controlPlaneVIP: 10.2.0.175}}
`
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	compiled := compile(t)
	tests := []struct {
		name, document string
		valid          bool
	}{
		{"a cluster, its version a number", cluster, true},
		{"a cluster with fields that are ignored", cluster + "  storage: {lvpShare: {path: /mnt}}\nstatus: {ready: true}\n", true},
		{"a cluster with an unknown field", cluster + "  nodeNetwork: {}\n", false},
		{"a cluster with a field that is refused", cluster + "  proxy: {url: http://p}\n", false},
		{"a cluster of another type", strings.Replace(cluster, "standalone", "admin", 1), false},
		{"a cluster without a VIP", strings.Replace(cluster, "controlPlaneVIP: 10.2.0.175", "", 1), false},
		{"a VIP of the other family", strings.Replace(cluster, "10.2.0.175", `"fd12::4:1"`, 1), false},
		{"a port that is text", strings.Replace(cluster, "443", `"443"`, 1), false},
		{"a port above 65535", strings.Replace(cluster, "443", "65536", 1), false},
		{"a node that is no object", strings.Replace(cluster, "{address: 10.2.0.4}", "10.2.0.4", 1), false},
		{"a cluster of another API", strings.Replace(cluster, "baremetal.cluster.gke.io/v1", "cluster.x-k8s.io/v1beta1", 1), false},

		{"a pool", pool + "spec: {clusterName: c, nodes: [{address: 10.2.0.5, k8sIP: 10.3.0.5}], labels: {a: b}}\n", true},
		{"a pool with a taint", pool + "spec: {taints: [{key: k, effect: NoExecute}]}\n", true},
		{"a pool that no longer upgrades", pool + "spec: {clusterName: c, upgradeStrategy: {parallelUpgrade: {concurrentNodes: 2}}}\n", true},
		{"a label that is a number", pool + "spec: {labels: {a: 1}}\n", false},
		{"a taint of another effect", pool + "spec: {taints: [{key: k, effect: NoWay}]}\n", false},
		{"a pool without a spec", pool, false},
		{"a pool without a namespace", "apiVersion: baremetal.cluster.gke.io/v1\nkind: NodePool\nmetadata: {name: p}\nspec: {}\n", false},

		{"ranges", ranges + both + "}\n", true},
		{"ranges for a pool", ranges + both + ", nodeSelector: {matchLabels: {baremetal.cluster.gke.io/node-pool: workers}}}\n", true},
		{"ranges copied from a cluster", ranges + both + "}\nstatus: {capacity: \"256\", other: 1}\n", true},
		{"ranges by expressions", ranges + both + ", nodeSelector: {matchExpressions: []}}\n", false},
		{"ranges of one family", ranges + "spec: {ipv4: {cidr: 192.168.0.0/16, perNodeMaskSize: 24}}\n", false},
		{"a mask above 128", ranges + strings.Replace(both, "120", "129", 1) + "}\n", false},

		{"a namespace", namespace + "metadata: {name: n, labels: {a: b}}\n", true},
		{"a namespace copied from a cluster", namespace + "metadata: {name: n, uid: u}\nspec: {finalizers: [kubernetes]}\nstatus: {}\n", true},
		{"a namespace without a name", namespace + "metadata: {}\n", false},

		{"options", options + "kubernetesVersion: v1.36.3\nssh: {port: 22}\nnodes: [{address: 10.2.0.4, ipv6: \"fd12::2:4\"}]\n", true},
		{"no options", options, true},
		{"options under a spec", options + "spec: {bundle: b}\n", false},
		{"another policy", options + "ssh: {hostKeyPolicy: none}\n", false},
		{"IPv6 that is IPv4", options + "nodes: [{address: 10.2.0.4, ipv6: 10.2.0.4}]\n", false},

		{"a header", "sshPrivateKeyPath: /root/.ssh/id_rsa\nregistryMirrors: [{endpoint: \"https://10.2.0.9\"}]\n", true},
		{"a header with Google's keys", "gcrKeyPath: key.json\nfutureServiceAccountKeyPath: key.json\n", true},
		{"a header with an unknown field", "sshKey: /root/.ssh/id_rsa\n", false},
		{"a mirror without an endpoint", "registryMirrors: [{hosts: [quay.io]}]\n", false},
		{"a header that is refused", "privateRegistries: []\n", false},
		{"another kind", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: n}\n", false},
		{"a list", "- kind: Cluster\n", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := compiled.Validate(documents(t, []byte(test.document))[0])
			if valid := err == nil; valid != test.valid {
				t.Errorf("valid: %t, want %t: %v\n%s", valid, test.valid, err, test.document)
			}
		})
	}
}

// TestIgnoredFields checks that the schema allows every field of the tables: an editor does not complain about a field
// that dualstrap ignores.
func TestIgnoredFields(t *testing.T) {
	t.Parallel()
	text, err := schema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, kind := range []string{"", "Namespace", "Cluster", "NodePool", "ClusterCIDRConfig", "ProvisionOptions"} {
		for field, reason := range api.IgnoredFields(kind) {
			quoted, err := json.Marshal("Ignored: " + reason + ".")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, quoted) {
				t.Errorf("%s %s is not described", kind, field)
			}
			count++
		}
	}
	if count < 20 {
		t.Errorf("only %d ignored fields: are the tables gone?", count)
	}
}

// TestClean checks that the schema has no keywords of Kubernetes, and that two runs return the same schema.
func TestClean(t *testing.T) {
	t.Parallel()
	first, err := schema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	second, err := schema.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("two runs give different schemas")
	}
	for _, alien := range []string{"x-kubernetes", `"int32"`, `"int64"`, "openAPIV3Schema"} {
		if bytes.Contains(first, []byte(alien)) {
			t.Errorf("the schema contains %s", alien)
		}
	}
}
