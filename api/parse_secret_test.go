package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
)

// TestParseKeepsSecrets puts a marker into every place of every kind where it does not belong, in
// every form that it could have there. No problem may repeat it.
func TestParseKeepsSecrets(t *testing.T) {
	t.Parallel()
	const marker = "hunter2Marker"
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
	found := 0
	for _, d := range documents {
		for _, f := range forms {
			if strings.HasPrefix(f, "%s: ") {
				// What stands before a colon is the name of a field, to be named, unless a value is there.
				if strings.HasSuffix(d, "\n%s") || d == "%s" {
					continue
				}
			}
			data := fmt.Sprintf(d, fmt.Sprintf(f, marker)) + "\n"
			_, problems := api.Parse([]api.Source{{Name: "-", Data: []byte(data)}})
			found += len(problems)
			text, err := json.Marshal(problems)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), marker) {
				t.Errorf("%q gives\n%s", data, strings.Join(listed(problems), "\n"))
			}
		}
	}
	if found < len(documents)*len(forms)/2 {
		t.Errorf("only %d problems in %d inputs", found, len(documents)*len(forms))
	}
}
