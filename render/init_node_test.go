package render

import (
	"strings"
	"testing"
)

// TestInitNode checks that a control plane node other than the first one can have the configuration of kubeadm init.
func TestInitNode(t *testing.T) {
	t.Parallel()
	for _, s := range hostScenarios(t) {
		var members []int
		hosts, err := Hosts(s.in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range hosts {
			if hosts[i].Role == "control-plane" {
				members = append(members, i)
			}
		}
		if len(members) < 2 {
			continue
		}
		second := hosts[members[1]].Address
		s.in.Discovered.InitNode, s.in.Discovered.Initialized = second, false
		if hosts, err = Hosts(s.in); err != nil {
			t.Fatal(err)
		}
		for _, i := range members {
			for _, file := range hosts[i].Files {
				inits := strings.Contains(string(file.Content), "kind: InitConfiguration")
				if file.Path == KubeadmConfig && inits != (hosts[i].Address == second) {
					t.Errorf("%s: %s has the configuration of init: %t", s.name, hosts[i].Address, inits)
				}
			}
		}
		return
	}
	t.Error("no scenario has several control plane nodes")
}
