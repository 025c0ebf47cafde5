package api

import "testing"

func TestIsWithin(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path, outer string
		want        bool
	}{
		{"spec.type", "spec.type", true},
		{"spec.nodes[3].address", "spec.nodes", true},
		{"spec.nodes[3].address", "spec.nodes[3]", true},
		{"spec.nodes[31]", "spec.nodes[3]", false},
		{"spec.nodesX", "spec.nodes", false},
		{"spec", "spec.nodes", false},
		{"spec.nodes", "", false},
	} {
		if got := isWithin(tc.path, tc.outer); got != tc.want {
			t.Errorf("isWithin(%q, %q) = %v", tc.path, tc.outer, got)
		}
	}
}

func TestIsMisspelt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		got, wanted string
		want        bool
	}{
		{"spec.clusterNetwork.servces", "spec.clusterNetwork.services.cidrBlocks", true},
		{"spec.services", "spec.clusterNetwork.services.cidrBlocks", true},
		{"spec.nodes[0].addrss", "spec.nodes[0].address", true},
		{"spec.node", "spec.nodes[0].address", true},
		{"spec.color", "spec.type", false},
		{"color", "spec.type", false},
	} {
		if got := isMisspelt(tc.got, tc.wanted); got != tc.want {
			t.Errorf("isMisspelt(%q, %q) = %v", tc.got, tc.wanted, got)
		}
	}
}
