package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

func TestParseKinds(t *testing.T) {
	t.Parallel()
	const (
		kinds = "kinds are Namespace, Cluster, NodePool, ClusterCIDRConfig, ProvisionOptions"
		other = "-:1:1: error: Cluster apiVersion: the apiVersion of a Cluster is baremetal.cluster.gke.io/v1 " +
			"(write apiVersion: baremetal.cluster.gke.io/v1)"
		bgp = "BGP is not supported; IPv6 is statically flat, on the nodes' own L2 network"
	)
	for _, tc := range []struct {
		name   string
		source api.Source
		want   []string
		counts string
	}{
		{
			"header alone", inline("sshPrivateKeyPath: a"), nil,
			"1 headers, 0 namespaces, 0 clusters, 0 pools, 0 configs, 0 options, incomplete: false",
		},
		{
			"header misspelt", inline("sshPrivatKeyPath: a", "token: b"),
			[]string{
				`-:1:1: error: sshPrivatKeyPath: unknown field "sshPrivatKeyPath" (did you mean "sshPrivateKeyPath"?)`,
				`-:2:1: error: token: unknown field "token"`,
			},
			"1 headers, 0 namespaces, 0 clusters, 0 pools, 0 configs, 0 options, incomplete: false",
		},
		{
			"header in second place", inline("apiVersion: v1", "kind: Namespace", "metadata: {name: a}", "---", "sshPrivateKeyPath: a"),
			[]string{"-:5:1: error: the document has no apiVersion and no kind (bmctl's header, which has none, comes first in its file)"},
			"0 headers, 1 namespaces, 0 clusters, 0 pools, 0 configs, 0 options, incomplete: true",
		},
		{
			"dots between", inline("apiVersion: v1", "kind: Namespace", "...", "nodes: []"),
			[]string{
				"-:4:1: error: the document has no apiVersion and no kind " +
					`(the "..." above it ends a document in YAML; if it stands for something left out, write that or remove the line)`,
			},
			"0 headers, 1 namespaces, 0 clusters, 0 pools, 0 configs, 0 options, incomplete: true",
		},
		{
			"no kind", inline("apiVersion: v1", "metadata: {name: a}"), []string{"-:1:1: error: a: the object has no kind (" + kinds + ")"}, "",
		},
		{"kind of another type", inline("kind: [Cluster]"), []string{"-:1:1: error: kind: kind is not a word (" + kinds + ")"}, ""},
		{"kind null", inline("kind:", "spec: {}"), []string{"-:1:1: error: kind: kind is not a word (" + kinds + ")"}, ""},
		{
			"no object", inline("- kind: Cluster"),
			[]string{"-:1:1: error: this document is not an object (an object begins with apiVersion: and kind:)"},
			"",
		},
		{
			"no apiVersion", inline("kind: NodePool"),
			[]string{"-:1:1: error: NodePool: the object has no apiVersion (write apiVersion: baremetal.cluster.gke.io/v1)"},
			"0 headers, 0 namespaces, 0 clusters, 1 pools, 0 configs, 0 options, incomplete: false",
		},
		{
			"wrong version", inline("apiVersion: baremetal.cluster.gke.io/v1", "kind: ClusterCIDRConfig", "metadata: {name: a}", "spec: {ipv5: {}}"),
			[]string{
				"-:1:1: error: ClusterCIDRConfig/a apiVersion: the apiVersion of a ClusterCIDRConfig is " +
					"baremetal.cluster.gke.io/v1alpha1 (write apiVersion: baremetal.cluster.gke.io/v1alpha1)",
				`-:4:8: error: ClusterCIDRConfig/a spec.ipv5: unknown field "ipv5" (did you mean "ipv4"?)`,
			},
			"0 headers, 0 namespaces, 0 clusters, 0 pools, 1 configs, 0 options, incomplete: false",
		},
		{
			"group misspelt", inline("apiVersion: baremetal.clusters.gke.io/v1", "kind: Cluster"),
			[]string{other},
			"0 headers, 0 namespaces, 1 clusters, 0 pools, 0 configs, 0 options, incomplete: false",
		},
		{
			"the Cluster of another API", inline("apiVersion: cluster.x-k8s.io/v1beta1", "kind: Cluster", "spec: {x: y}"),
			[]string{other},
			"0 headers, 0 namespaces, 0 clusters, 0 pools, 0 configs, 0 options, incomplete: true",
		},
		{
			"kind misspelt", inline("apiVersion: baremetal.cluster.gke.io/v1", "kind: Nodepools", "spec: {node: []}"),
			[]string{
				`-:2:1: error: NodePool kind: unknown kind (did you mean "NodePool"?)`,
				`-:3:8: error: NodePool spec.node: unknown field "node" (did you mean "nodes"?)`,
			},
			"0 headers, 0 namespaces, 0 clusters, 1 pools, 0 configs, 0 options, incomplete: false",
		},
		{
			"unknown kind", inline("apiVersion: apps/v1", "kind: Deployment", "metadata: {name: a}"),
			[]string{"-:2:1: error: Deployment/a kind: unknown kind (" + kinds + "; kubectl applies others once the cluster is there)"},
			"0 headers, 0 namespaces, 0 clusters, 0 pools, 0 configs, 0 options, incomplete: false",
		},
		{
			"kinds that are not built",
			inline("apiVersion: networking.gke.io/v1", "kind: BGPPeer", "---", "kind: FlatIPMode", "---", "kind: VMRuntime"),
			[]string{
				"-:2:1: error: BGPPeer kind: BGPPeer is not supported: " + bgp,
				"-:4:1: error: FlatIPMode kind: FlatIPMode is not supported: " + bgp,
				"-:6:1: error: VMRuntime kind: VMRuntime is not supported: virtual machines are not supported",
			},
			"0 headers, 0 namespaces, 0 clusters, 0 pools, 0 configs, 0 options, incomplete: false",
		},
		{
			"list", inline("apiVersion: v1", "kind: List", "items: []"),
			[]string{"-:2:1: error: List kind: lists of objects are not supported (make each item a document, after a line ---)"},
			"",
		},
		{"unreadable", inline("kind: ["), []string{"-:1:1: error: a value is missing"}, ""},
		{
			"binary",
			api.Source{Name: "-", Data: []byte("\x7fELF\x02\x01\x00")},
			[]string{"-:1:1: error: control character U+007F (remove it)"},
			"",
		},
		{"nothing", inline(""), nil, "0 headers, 0 namespaces, 0 clusters, 0 pools, 0 configs, 0 options, incomplete: false"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m, problems := api.Parse([]api.Source{tc.source})
			if diff := cmp.Diff(tc.want, listed(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if tc.counts == "" {
				tc.counts = "0 headers, 0 namespaces, 0 clusters, 0 pools, 0 configs, 0 options, incomplete: true"
			}
			if got := objectCounts(m); got != tc.counts {
				t.Errorf("got %s\nwant %s", got, tc.counts)
			}
		})
	}
}
