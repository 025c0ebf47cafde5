package kube

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// readyNode returns a Node with a kubelet that reports that it is ready.
func readyNode(name string) *corev1.Node {
	return &corev1.Node{ObjectMeta: named("", name), Status: corev1.NodeStatus{
		NodeInfo:   corev1.NodeSystemInfo{KubeletVersion: "v1.36.3"},
		Addresses:  []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.2.0.4"}, {Type: corev1.NodeInternalIP, Address: "fd12::2:4"}},
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
	}}
}

// live reads a Node.
func live(t *testing.T, c *Client, name string) corev1.Node {
	t.Helper()
	var node corev1.Node
	if err := c.client.Get(t.Context(), client.ObjectKey{Name: name}, &node); err != nil {
		t.Fatal(err)
	}
	return node
}

func TestNodes(t *testing.T) {
	t.Parallel()
	planned := &corev1.Node{ObjectMeta: named("", "planned"), Spec: corev1.NodeSpec{
		ProviderID: "baremetal://10.2.0.5", PodCIDRs: []string{"192.168.1.0/24", "fd12::1:100/120", "nonsense"},
	}}
	c := inMemory(t, nil, interceptor.Funcs{}, readyNode("joined"), planned)
	nodes, err := c.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, node := range nodes {
		got = append(got, strings.TrimSpace(strings.Join([]string{node.Name, node.K8sIP.String(), node.KubeletVersion, node.Why}, " ")))
	}
	want := []string{"joined 10.2.0.4 v1.36.3", "planned 10.2.0.5  no kubelet has registered"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(nodes[1].PodCIDRs) != 2 || nodes[1].Joined || !nodes[0].Ready {
		t.Errorf("%+v", nodes)
	}
	if node, found, err := c.FindNode(t.Context(), "missing"); found || err != nil {
		t.Errorf("%+v, %v", node, err)
	}
}

func TestAwaitNode(t *testing.T) {
	t.Parallel()
	broken := readyNode("broken")
	broken.Status.Conditions[0] = corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionFalse, Message: "no CNI"}
	for name, reason := range map[string]string{"ready": "", "broken": "no CNI", "missing": "it does not exist"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := inMemory(t, nil, interceptor.Funcs{}, readyNode("ready"), broken.DeepCopy()).AwaitNode(t.Context(), name, time.Minute)
				if reason == "" && err == nil {
					return
				}
				expectWait(t, err, reason)
			})
		})
	}
}

func TestInitialCapacity(t *testing.T) {
	t.Parallel()
	reported := readyNode("reported")
	reported.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}
	c := inMemory(t, nil, interceptor.Funcs{}, reported, &corev1.Node{ObjectMeta: named("", "new")})
	for name, want := range map[string]string{"new": "8", "reported": "1"} {
		if err := c.SetInitialCapacity(t.Context(), name, Capacity{CPUs: 8, Memory: 1 << 30, Pods: 110}); err != nil {
			t.Fatal(err)
		}
		node := live(t, c, name)
		if got := node.Status.Allocatable.Cpu().String(); got != want {
			t.Errorf("%s: %s CPUs", name, got)
		}
	}
	if err := c.SetInitialCapacity(t.Context(), "missing", Capacity{}); err == nil {
		t.Error("a missing node is no error")
	}
}

func TestMarkUnready(t *testing.T) {
	t.Parallel()
	node := readyNode("node")
	node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse})
	c := inMemory(t, nil, interceptor.Funcs{}, node)
	for _, name := range []string{"node", "missing"} {
		if err := c.MarkUnready(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	found, err := c.node(t.Context(), "node")
	if err != nil || found.Ready || len(live(t, c, "node").Status.Conditions) != 2 {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestAwaitKubeletSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	type condition = certificatesv1.CertificateSigningRequestCondition
	request := func(conditions ...condition) *certificatesv1.CertificateSigningRequest {
		return &certificatesv1.CertificateSigningRequest{
			ObjectMeta: named("", "csr-1"),
			Spec: certificatesv1.CertificateSigningRequestSpec{
				SignerName: certificatesv1.KubeletServingSignerName, Username: "system:node:node",
			},
			Status: certificatesv1.CertificateSigningRequestStatus{Conditions: conditions},
		}
	}
	event := &corev1.Event{ObjectMeta: named("default", "csr-1.17"), Message: "the address is not the node's"}
	event.InvolvedObject.Name = "csr-1"
	signed := request()
	signed.Status.Certificate = []byte("certificate")
	foreign := request()
	foreign.Spec.Username = "system:node:other"
	for name, tc := range map[string]struct {
		objects []client.Object
		reason  string
	}{
		"not requested":         {nil, "has not requested a serving certificate"},
		"of another":            {[]client.Object{foreign}, "has not requested a serving certificate"},
		"pending":               {[]client.Object{request()}, "is pending: dualstrap-controller has said nothing about it"},
		"pending with a reason": {[]client.Object{request(), event}, "is pending: the address is not the node's"},
		"approved": {
			[]client.Object{request(condition{Type: certificatesv1.CertificateApproved})},
			"is approved, and kube-controller-manager has not signed it yet",
		},
		"denied": {[]client.Object{request(condition{Type: certificatesv1.CertificateDenied, Message: "no"})}, "is denied: no"},
		"failed": {[]client.Object{request(condition{Type: certificatesv1.CertificateFailed, Reason: "broken"})}, "has failed: broken"},
		"signed": {[]client.Object{signed}, "is signed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := inMemory(t, paths{}, interceptor.Funcs{}, tc.objects...).AwaitKubelet(t.Context(), "node", 10*time.Second)
				expectWait(t, err, tc.reason)
			})
		})
	}
	answering := paths{"/api/v1/nodes/node/proxy/healthz": "ok"}
	if err := inMemory(t, answering, interceptor.Funcs{}).AwaitKubelet(t.Context(), "node", time.Second); err != nil {
		t.Error(err)
	}
}
