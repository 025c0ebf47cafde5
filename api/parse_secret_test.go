package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
)

// marker represents a secret.
const marker = "hunter2Marker"

// TestHostilePlacesOfSecrets tries a secret in every place of every kind of manifest where it does not belong, in every
// form that it may have there. No problem may repeat it.
func TestHostilePlacesOfSecrets(t *testing.T) {
	t.Parallel()
	forms := []string{
		"%s", "'%s'", "[%s]", "{%s}", "{a: %s}", "{%s, %[1]s}", "*%s", "&%s x", "!%s x", "!!%s x", "{{ %s }}", "\"%s", "'%s", "[%s", "{%s",
		"%s: x", "%s: [", "\"%s\" %[1]s", "@%s", "|%s", "%% %s", "- %s", "%s ...",
		"\n  ...\n  %s", "\n    %s\n      cidrBlocks:\n", "\n    %s\n    mode: a", "\n    %s:x\n    mode: a",
		"\n  - %s\n  -%[1]s", "\n\t%s", "\n %s", "\u00a0%s", "%s\x00", "%s\xff", "\"\\%s\"", "? %s", "!!int %s", "!!binary %s",
		"!!timestamp %s", "!!float %s", "!!bool %s", "&a [%s, *a]", "<<: %s", "{<<: %s}",
	}
	documents := []string{
		"%s",
		"sshPrivateKeyPath: %s",
		"privateRegistries: %s",
		"gcrKeyPath: a\nregistryMirrors: %s",
		"apiVersion: %s\nkind: Cluster\nspec: {}",
		"apiVersion: v1\nkind: Namespace\nmetadata: %s",
		"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels: %s",
		"apiVersion: v1\nkind: Namespace\nmetadata:\n  creationTimestamp: %s",
		"apiVersion: baremetal.cluster.gke.io/v1\nkind: Cluster\nspec: %s",
		"apiVersion: baremetal.cluster.gke.io/v1\nkind: Cluster\nspec:\n  type: %s",
		"apiVersion: baremetal.cluster.gke.io/v1\nkind: Cluster\nspec:\n  anthosBareMetalVersion: %s",
		"apiVersion: baremetal.cluster.gke.io/v1\nkind: Cluster\nspec:\n  loadBalancer: %s",
		"apiVersion: baremetal.cluster.gke.io/v1\nkind: Cluster\nspec:\n  proxy: %s",
		"apiVersion: baremetal.cluster.gke.io/v1\nkind: Cluster\nspec:\n  gkeConnect: %s",
		"apiVersion: baremetal.cluster.gke.io/v1\nkind: Cluster\nspec:\n  unknown: %s",
		"apiVersion: baremetal.cluster.gke.io/v1\nkind: NodePool\nspec:\n  nodes: %s",
		"apiVersion: baremetal.cluster.gke.io/v1\nkind: NodePool\nspec:\n  nodes:\n  - address: %s",
		"apiVersion: baremetal.cluster.gke.io/v1alpha1\nkind: ClusterCIDRConfig\nspec:\n  ipv4:\n    perNodeMaskSize: %s",
		"apiVersion: dualstrap.dev/v1alpha1\nkind: ProvisionOptions\nallowCgroupV1: %s\nssh: {}",
		"apiVersion: dualstrap.dev/v1alpha1\nkind: ProvisionOptions\nssh: {port: %s}\nbundle: a",
	}
	for i, d := range documents {
		for _, f := range forms {
			// A text before a colon is the name of a field, which may be repeated, unless it is in the place of a
			// value.
			if strings.HasPrefix(f, "%s: ") && (strings.HasSuffix(d, "\n%s") || d == "%s") {
				continue
			}
			data := fmt.Sprintf(d, fmt.Sprintf(f, marker)) + "\n"
			_, problems := api.Parse([]api.Source{{Name: "-", Data: []byte(data)}})
			if !problems.HasErrors() {
				keeps(t, data, problems) // the field accepts any value
				continue
			}
			t.Run(fmt.Sprintf("%q in document %d", f, i), func(t *testing.T) { keeps(t, data, problems) })
		}
	}
}

// keeps fails the test when problems with a text repeat the secret in it.
func keeps(t *testing.T, data string, problems api.Problems) {
	t.Helper()
	text, err := json.Marshal(problems)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), marker) {
		t.Errorf("%q gives\n%s", data, strings.Join(listed(problems), "\n"))
	}
}
