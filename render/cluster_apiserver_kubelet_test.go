//go:build integration

package render_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/dualstrap/dualstrap/internal/nodeaddress"
)

// testKubelets registers kubelets whose Nodes exist already, in the way of the kubelet's tryRegisterWithAPIServer:
// create, get on a conflict, then patch labels and status.
func (s *apiServer) testKubelets(t *testing.T) {
	in := exampleInput(t, "ha")
	for _, planned := range in.Plan.Nodes {
		name := probed(in, "ha").Discovered.Hosts[planned.Address].NodeName
		before, err := s.typed.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		after := register(t, s.kubelet(t, name), name, planned.Address.String())
		if diff := cmp.Diff(before.Spec, after.Spec); diff != "" {
			t.Errorf("the spec of %s changes when its kubelet registers (-before +after):\n%s", name, diff)
		}
		labels := maps.Clone(before.Labels)
		maps.Copy(labels, kubeletLabels(name))
		if diff := cmp.Diff(labels, after.Labels); diff != "" {
			t.Errorf("labels of %s (-want +got):\n%s", name, diff)
		}
		if len(after.Status.Addresses) != 2 {
			t.Errorf("addresses of %s are %v", name, after.Status.Addresses)
		}
	}
}

// testKubeletLimits checks which fields of its own Node a kubelet may not set, so that another client has to set them.
func (s *apiServer) testKubeletLimits(t *testing.T) {
	const name = "ha-10-2-0-9"
	tests := []struct {
		what, node, patch string
		allowed           bool
	}{
		{"a label of its own", name, `{"metadata":{"labels":{"example.com/a":"b"}}}`, true},
		{"the role of a worker", name, `{"metadata":{"labels":{"node-role.kubernetes.io/worker":null}}}`, false},
		{"the role of a control plane", name, `{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":""}}}`, false},
		{"its address", name, `{"metadata":{"labels":{"` + nodeaddress.LabelIPv4 + `":"10.2.0.10"}}}`, false},
		{"that it has an address", name, `{"metadata":{"labels":{"` + nodeaddress.LabelIPv6 + `":null}}}`, false},
		{"taints", name, `{"spec":{"taints":[{"key":"example.com/a","effect":"NoSchedule"}]}}`, false},
		{"other pod ranges", name, `{"spec":{"podCIDR":"10.0.0.0/24","podCIDRs":["10.0.0.0/24","fd12::1:f00/120"]}}`, false},
		{"another provider ID", name, `{"spec":{"providerID":"baremetal://10.2.0.10"}}`, false},
		{"another node's label", "ha-10-2-0-10", `{"metadata":{"labels":{"example.com/a":"b"}}}`, false},
	}
	kubelet := s.kubelet(t, name)
	for _, test := range tests {
		options := metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}
		_, err := kubelet.Patch(t.Context(), test.node, types.StrategicMergePatchType, []byte(test.patch), options)
		if (err == nil) != test.allowed {
			t.Errorf("a kubelet may change %s: want %t, but the API server says: %v", test.what, test.allowed, err)
		}
	}
}

// kubelet is the client of one node's kubelet.
func (s *apiServer) kubelet(tb testing.TB, name string) typedcorev1.NodeInterface {
	tb.Helper()
	config := rest.CopyConfig(s.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:node:" + name, Groups: []string{"system:nodes", "system:authenticated"}}
	return kubernetes.NewForConfigOrDie(config).CoreV1().Nodes()
}

// kubeletLabels returns the labels that every kubelet sets.
func kubeletLabels(name string) map[string]string {
	return map[string]string{
		corev1.LabelHostname:      name,
		corev1.LabelOSStable:      "linux",
		corev1.LabelArchStable:    "amd64",
		"beta.kubernetes.io/os":   "linux",
		"beta.kubernetes.io/arch": "amd64",
	}
}

func register(tb testing.TB, kubelet typedcorev1.NodeInterface, name, address string) *corev1.Node {
	tb.Helper()
	own := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: kubeletLabels(name)},
		Spec:       corev1.NodeSpec{ProviderID: "baremetal://" + address},
	}
	// On this error the kubelet continues with the existing Node.
	if _, err := kubelet.Create(tb.Context(), own, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		tb.Fatalf("kubelet of %s creates its Node: want that it exists already, got: %v", name, err)
	}
	if _, err := kubelet.Get(tb.Context(), name, metav1.GetOptions{}); err != nil {
		tb.Fatalf("kubelet of %s: %v", name, err)
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"labels": kubeletLabels(name)},
		"status": corev1.NodeStatus{
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: address},
				{Type: corev1.NodeInternalIP, Address: "fd12::2:1"},
			},
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	node, err := kubelet.PatchStatus(tb.Context(), name, patch)
	if err != nil {
		tb.Fatalf("kubelet of %s patches its status: %v", name, err)
	}
	return node
}
