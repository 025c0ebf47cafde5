package api_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

// parseSource reads a file of testdata/parse.
func parseSource(tb testing.TB, name string) api.Source {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "parse", name))
	if err != nil {
		tb.Fatal(err)
	}
	return api.Source{Name: name, Data: data}
}

// inline returns a source made of lines.
func inline(lines ...string) api.Source {
	return api.Source{Name: "-", Data: []byte(strings.Join(lines, "\n") + "\n")}
}

// listed formats problems in one line each, with their hints.
func listed(problems api.Problems) []string {
	var all []string
	for _, p := range problems {
		s := p.String()
		if p.Hint != "" {
			s += " (" + p.Hint + ")"
		}
		all = append(all, s)
	}
	return all
}

// objectCounts returns the number of objects of each kind.
func objectCounts(m *api.Manifests) string {
	return fmt.Sprintf("%d headers, %d namespaces, %d clusters, %d pools, %d configs, %d options, incomplete: %t", len(m.Header),
		len(m.Namespaces), len(m.Clusters), len(m.NodePools), len(m.ClusterCIDRConfigs), len(m.Options), m.Incomplete)
}

func TestParseEverything(t *testing.T) {
	t.Parallel()
	m, problems := api.Parse([]api.Source{parseSource(t, "everything.yaml")})
	if got := objectCounts(m); got != "1 headers, 1 namespaces, 1 clusters, 1 pools, 1 configs, 1 options, incomplete: false" {
		t.Fatal(got, listed(problems))
	}
	if problems.HasErrors() {
		t.Error(listed(problems))
	}
	var ignored []string
	for _, p := range problems {
		if p.Rule != "ignored-field" || p.Severity != api.SeverityWarning || !strings.HasPrefix(p.Message, "ignored: ") {
			t.Errorf("%+v", p)
		}
		ignored = append(ignored, p.Path)
	}
	want := strings.Fields(`
		gcrKeyPath gkeConnectAgentServiceAccountKeyPath gkeConnectRegisterServiceAccountKeyPath cloudOperationsServiceAccountKeyPath
		metadata.uid spec status metadata.creationTimestamp spec.gkeConnect spec.gkeOnPremAPI spec.bypassPreflightCheck
		spec.controlPlane.nodePoolSpec.operatingSystem spec.clusterOperations spec.storage
		spec.clusterSecurity.startUIDRangeRootlessContainers spec.upgradeStrategy`)
	if diff := cmp.Diff(want, ignored); diff != "" {
		t.Errorf("ignored fields (-want +got):\n%s", diff)
	}
	checkEverything(t, m)
}

func checkEverything(t *testing.T, m *api.Manifests) {
	t.Helper()
	cluster, pool, config := m.Clusters[0].Value, m.NodePools[0].Value, m.ClusterCIDRConfigs[0].Value
	for _, tc := range []struct{ got, want any }{
		{m.Header[0].Value.SSHPrivateKeyPath, "/root/.ssh/id_rsa"},
		{m.Header[0].Value.RegistryMirrors[0].Hosts, []string{"registry.k8s.io"}},
		{m.Namespaces[0].Value.Labels["kubernetes.io/metadata.name"], "cluster-dual-stack"},
		{cluster.Spec.AnthosBareMetalVersion, "1.30"},
		{cluster.Kind + " " + cluster.APIVersion, "Cluster baremetal.cluster.gke.io/v1"},
		{cluster.Spec.ControlPlane.NodePoolSpec.Nodes[0].K8sIP, "10.2.1.4"},
		{*cluster.Spec.ControlPlane.NodePoolSpec.KubeletConfig.RegistryPullQPS, int32(0)},
		{*cluster.Spec.ClusterNetwork.BundledIngress, false},
		{cluster.Spec.ClusterNetwork.Services.CIDRBlocks, []string{"172.16.0.0/20", "fd12::5:0/116"}},
		{pool.Spec.Labels, map[string]string{"example.com/rack": "a"}},
		{string(pool.Spec.Taints[0].Effect), "NoSchedule"},
		{config.Spec.IPv6.PerNodeMaskSize, int32(120)},
		{m.Options[0].Value.SSH.Port, 2222},
		{m.Options[0].Value.Verify.Client.Address, "10.2.0.9"},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("decoded (-want +got):\n%s", diff)
		}
	}
	at := m.NodePools[0].At("spec.nodes[1].address")
	if line, column := at.Doc.Position(at.Path); line != 99 || column != 5 || at.Doc.Kind != "NodePool" || at.Doc.Name != "workers" {
		t.Errorf("the pool's second node is at %d:%d of %+v", line, column, at.Doc)
	}
	if d := m.Header[0].Doc; d.Kind != "" || d.Name != "" || d.Line != 1 {
		t.Errorf("the header is %+v", d)
	}
}

// TestParseDocumentation parses the snippets of the documentation as they are written there.
func TestParseDocumentation(t *testing.T) {
	t.Parallel()
	const placeholder = `: "..." looks like a placeholder for something left out (write what belongs here, or remove the line)`
	m, problems := api.Parse([]api.Source{
		parseSource(t, "cluster-snippet.yaml"), parseSource(t, "cidr-config-snippets.yaml"), parseSource(t, "address-pools-snippet.yaml"),
	})
	want := []string{
		"cluster-snippet.yaml:12:5: error: Cluster/dual-stack: a colon is missing after `services` (write `services:`)",
		"cluster-snippet.yaml:16:1: error: Cluster/dual-stack" + placeholder,
		"cluster-snippet.yaml:19:5: error: Cluster/dual-stack" + placeholder,
		"address-pools-snippet.yaml:1:3: error: the document has no apiVersion and no kind " +
			"(write both: kinds are Namespace, Cluster, NodePool, ClusterCIDRConfig, ProvisionOptions)",
		"address-pools-snippet.yaml:3:5: error" + placeholder,
	}
	if diff := cmp.Diff(want, listed(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if n := objectCounts(m); n != "0 headers, 0 namespaces, 1 clusters, 0 pools, 3 configs, 0 options, incomplete: true" {
		t.Error(n)
	}
	spec := m.Clusters[0].Value.Spec
	if diff := cmp.Diff([]string{"172.16.0.0/20", "fd12::5:0/116"}, spec.ClusterNetwork.Services.CIDRBlocks); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	pool := spec.LoadBalancer.AddressPools[0]
	if diff := cmp.Diff([]string{"10.2.0.212-10.2.0.221", "fd12::4:101-fd12::4:110"}, pool.Addresses); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

// TestParseSources has the same header and object in two sources. Parse accepts both; Resolve reports the second.
func TestParseSources(t *testing.T) {
	t.Parallel()
	a := inline("sshPrivateKeyPath: a", "---", "apiVersion: v1", "kind: Namespace", "metadata: {name: a}", "spek: b")
	b := a
	b.Name = "b.yaml"
	m, problems := api.Parse([]api.Source{a, b})
	want := []string{
		`-:6:1: error: Namespace/a spek: unknown field "spek" (did you mean "spec"?)`,
		`b.yaml:6:1: error: Namespace/a spek: unknown field "spek" (did you mean "spec"?)`,
	}
	if diff := cmp.Diff(want, listed(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if len(m.Header) != 2 || len(m.Namespaces) != 2 || m.Namespaces[1].Doc.File != "b.yaml" || m.Namespaces[1].Doc.Line != 3 {
		t.Error(objectCounts(m))
	}
}

// TestParseCountsProblemsOfASource has one problem in each of many documents.
func TestParseCountsProblemsOfASource(t *testing.T) {
	t.Parallel()
	many := api.Source{Name: "-", Data: []byte(strings.Repeat("---\n- a\n", 1200))}
	_, problems := api.Parse([]api.Source{many, inline("- b")})
	if len(problems) != 1002 {
		t.Fatalf("%d problems, want 1000, one that counts the rest, and that of the second source", len(problems))
	}
	want := "-:2002:1: error: 200 more problems from here on are not shown (mend those above and check again)"
	if got := listed(problems)[1000]; got != want {
		t.Errorf("got %s", got)
	}
}
