package rotate

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/provision/clustertest"
	"github.com/dualstrap/dualstrap/provision/keys"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// TestAbsentReasons checks which nodes would not get a new key.
func TestAbsentReasons(t *testing.T) {
	t.Parallel()
	s := clustertest.NewWorld(t, "ha.yaml").Session(t)
	hosts := s.ControlPlanes()
	node := func(name, address string, labels ...string) kube.Node {
		node := kube.Node{Name: name, K8sIP: netip.MustParseAddr(address), Labels: map[string]string{}}
		for _, label := range labels {
			node.Labels[label] = ""
		}
		return node
	}
	there := keys.File{Content: []byte("keys")}
	var nodes []kube.Node
	found := map[netip.Addr]keys.File{}
	for _, host := range hosts {
		nodes = append(nodes, node("cp-"+host.String(), host.String(), controlPlaneLabel))
		found[host] = there
	}
	nodes = append(nodes, node("worker", "10.2.0.99"))
	if got := absentReasons(s, hosts, nodes, found); len(got) > 0 {
		t.Errorf("where everybody takes part it says %q", got)
	}
	nodes = append(nodes, node("stranger", "10.2.0.98", controlPlaneLabel))
	found[hosts[0]] = keys.File{}
	want := []string{
		"cp-" + hosts[2].String() + " is a control plane node that the manifests do not have, or that has not joined: " +
			"it could not read what the new key encrypts",
		"stranger is a control plane node that the manifests do not have, or that has not joined: it could not read what the new key encrypts",
		hosts[0].String() + " has no /etc/dualstrap/apiserver/encryption.yaml: dualstrap create cluster brings it back",
		hosts[2].String() + " has the key and has not joined: dualstrap create cluster finishes that",
	}
	if diff := cmp.Diff(want, absentReasons(s, hosts[:2], nodes, found)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
