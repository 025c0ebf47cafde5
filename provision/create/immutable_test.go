package create

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/provision/kube"
)

func decoded(t *testing.T, manifest string) kube.Object {
	t.Helper()
	objects, err := kube.Decode([]byte(manifest))
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	return objects[0]
}

func TestLastingChanges(t *testing.T) {
	t.Parallel()
	const before = `kind: Cluster
metadata: {name: c, namespace: ns}
spec:
  type: standalone
  clusterNetwork: {pods: {cidrBlocks: [192.168.0.0/16]}, services: {cidrBlocks: [172.16.0.0/20, "fd12::5:0/116"]}}
  loadBalancer: {mode: bundled, vips: {controlPlaneVIP: 10.2.0.175, ingressVIP: 10.2.0.212}, ports: {controlPlaneLBPort: 443}}
`
	for name, test := range map[string]struct {
		from, to string
		want     []string
	}{
		"nothing":                            {"", "", nil},
		"what may change":                    {"10.2.0.212", "10.2.0.213", nil},
		"said, and no more than its default": {"{pods:", "{flatIPv4: false, pods:", nil},
		"one is changed": {"172.16.0.0/20", "172.17.0.0/20", []string{
			`Cluster ns/c: spec.clusterNetwork.services.cidrBlocks is ["172.16.0.0/20","fd12::5:0/116"] in the cluster and ` +
				`["172.17.0.0/20","fd12::5:0/116"] in the manifests, and cannot be changed`,
		}},
		"one is added and one taken away": {"pods: {cidrBlocks: [192.168.0.0/16]},", "flatIPv4: true,", []string{
			`Cluster ns/c: spec.clusterNetwork.pods.cidrBlocks is ["192.168.0.0/16"] in the cluster and not set in the manifests, ` +
				"and cannot be changed",
			`Cluster ns/c: spec.clusterNetwork.flatIPv4 is not set in the cluster and true in the manifests, and cannot be changed`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after := before
			if test.from != "" {
				if after = strings.Replace(before, test.from, test.to, 1); after == before {
					t.Fatalf("there is no %q", test.from)
				}
			}
			if diff := cmp.Diff(test.want, immutableChanges(decoded(t, before), decoded(t, after))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHoldersOf(t *testing.T) {
	t.Parallel()
	prefixes := func(texts ...string) []netip.Prefix {
		var all []netip.Prefix
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	config := decoded(t, "kind: ClusterCIDRConfig\nspec: {ipv4: {cidr: 10.0.0.0/16}, ipv6: {cidr: \"fd00::/112\"}}\n")
	nodes := []kube.Node{
		{Name: "of it", PodCIDRs: prefixes("10.0.1.0/24", "fd00::100/120")},
		{Name: "of another", PodCIDRs: prefixes("10.9.1.0/24", "fd09::100/120")},
		{Name: "of both", PodCIDRs: prefixes("10.0.200.0/24", "fd00::7f00/120")},
		{Name: "new"},
	}
	staying := prefixes("10.0.192.0/18", "fd00::7000/116", "10.9.0.0/16", "fd09::/112")
	if diff := cmp.Diff([]string{"of it"}, nodesHolding(config, nodes, staying)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
