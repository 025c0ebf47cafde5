//go:build integration

package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// createKubeDNS creates the Service in the same way as kubeadm.
func (s *apiServer) createKubeDNS(tb testing.TB) {
	tb.Helper()
	_, err := s.typed.CoreV1().Services("kube-system").Create(tb.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-dns"},
		Spec: corev1.ServiceSpec{
			ClusterIP: "172.16.0.10",
			Selector:  map[string]string{"k8s-app": "kube-dns"},
			Ports: []corev1.ServicePort{
				{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP},
				{Name: "dns-tcp", Port: 53, Protocol: corev1.ProtocolTCP},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		tb.Fatal(err)
	}
}

func (s *apiServer) testKubeDNS(t *testing.T) {
	service, err := s.typed.CoreV1().Services("kube-system").Get(t.Context(), "kube-dns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}, service.Spec.IPFamilies); diff != "" {
		t.Errorf("families of kube-dns (-want +got):\n%s", diff)
	}
	if service.Spec.ClusterIP != "172.16.0.10" || len(service.Spec.ClusterIPs) != 2 || len(service.Spec.Ports) != 2 {
		t.Errorf("kube-dns is no longer as kubeadm created it: %+v", service.Spec)
	}
}

// testColumns checks the columns of kubectl get.
func (s *apiServer) testColumns(t *testing.T) {
	tests := []struct {
		path    string
		columns []string
		cells   []any // of the first row, without the age
	}{
		{
			"/apis/baremetal.cluster.gke.io/v1alpha1/namespaces/cluster-dual-stack/clustercidrconfigs/with-status",
			[]string{"Name", "IPv4", "IPv6", "Selector", "Capacity", "Allocated", "Free", "Age"},
			[]any{"with-status", "192.168.0.0/16", "fd12::1:0/112", nil, "72057594037927936", int64(3), "72057594037927933"},
		},
		{
			"/apis/baremetal.cluster.gke.io/v1alpha1/namespaces/cluster-per-node/clustercidrconfigs/range-node1",
			[]string{"Name", "IPv4", "IPv6", "Selector", "Capacity", "Allocated", "Free", "Age"},
			[]any{"range-node1", "192.168.1.0/24", "fd12::1:0/120", `{"baremetal.cluster.gke.io/k8s-ip":"10.2.0.5"}`, nil, nil, nil},
		},
		{
			"/apis/baremetal.cluster.gke.io/v1/namespaces/cluster-dual-stack/clusters",
			[]string{"Name", "Version", "VIP", "Services", "Age"},
			[]any{"dual-stack", "1.36.3", "10.2.0.175", `["172.16.0.0/20","fd12::5:0/116"]`},
		},
		{
			"/apis/baremetal.cluster.gke.io/v1/namespaces/cluster-ha/nodepools/ingress",
			[]string{"Name", "Cluster", "Labels", "Age"},
			[]any{"ingress", "ha", `{"example.com/edge":"true"}`},
		},
	}
	for _, test := range tests {
		table := &metav1.Table{}
		err := s.typed.CoreV1().RESTClient().Get().AbsPath(test.path).
			SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Into(table)
		if err != nil {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		var columns []string
		for _, column := range table.ColumnDefinitions {
			columns = append(columns, column.Name)
		}
		if diff := cmp.Diff(test.columns, columns); diff != "" {
			t.Errorf("%s: columns (-want +got):\n%s", test.path, diff)
		}
		cells := table.Rows[0].Cells
		if diff := cmp.Diff(test.cells, cells[:len(cells)-1]); diff != "" {
			t.Errorf("%s: cells (-want +got):\n%s", test.path, diff)
		}
	}
}

// testRights checks the permissions of service accounts with SubjectAccessReviews.
func (s *apiServer) testRights(t *testing.T) {
	const controller, agent = "dualstrap-system:dualstrap-controller", "dualstrap-system:dualstrap-agent"
	const pools, speaker = "metallb-system:controller", "metallb-system:speaker"
	node := schema.GroupResource{Resource: "nodes"}
	ranges := schema.GroupResource{Group: "baremetal.cluster.gke.io", Resource: "clustercidrconfigs"}
	lease := schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}
	secret := schema.GroupResource{Resource: "secrets"}
	tests := []struct {
		account, verb   string
		what            schema.GroupResource
		namespace, name string
		want            bool
	}{
		{controller, "patch", node, "", "n1", true},
		{controller, "delete", node, "", "n1", false},
		{controller, "create", node, "", "", false},
		{controller, "watch", ranges, "", "", true},
		{controller, "patch", ranges, "cluster-ha", "r", true},
		{controller, "delete", ranges, "cluster-ha", "r", false},
		{controller, "create", lease, "dualstrap-system", "", true},
		{controller, "update", lease, "dualstrap-system", "dualstrap-controller", true},
		{controller, "update", lease, "dualstrap-system", "other", false},
		{controller, "update", lease, "kube-system", "kube-controller-manager", false},
		{controller, "get", secret, "dualstrap-system", "s", false},
		{agent, "watch", node, "", "", true},
		{agent, "patch", node, "", "n1", false},
		{agent, "get", ranges, "cluster-ha", "r", false},
		{agent, "get", secret, "dualstrap-system", "s", false},
		{pools, "create", secret, "metallb-system", "", true},
		{pools, "get", secret, "metallb-system", "memberlist", false},
		{pools, "create", secret, "kube-system", "", false},
		{speaker, "list", secret, "metallb-system", "", true},
		{speaker, "list", secret, "kube-system", "", false},
		{speaker, "patch", node, "", "n1", false},
	}
	for _, test := range tests {
		review, err := s.typed.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User: "system:serviceaccount:" + test.account,
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Verb: test.verb, Group: test.what.Group, Resource: test.what.Resource,
					Namespace: test.namespace, Name: test.name,
				},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if review.Status.Allowed != test.want {
			t.Errorf("%+v, but the API server says %t", test, review.Status.Allowed)
		}
	}
}

// testPods creates a pod of each workload. The API server checks a workload's pods only when they are created.
func (s *apiServer) testPods(t *testing.T) {
	workloads := 0
	for _, namespace := range []string{"dualstrap-system", "metallb-system"} {
		deployments, err := s.typed.AppsV1().Deployments(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		daemonSets, err := s.typed.AppsV1().DaemonSets(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		templates := map[string]corev1.PodTemplateSpec{}
		for _, d := range deployments.Items {
			templates[d.Name] = d.Spec.Template
		}
		for _, d := range daemonSets.Items {
			templates[d.Name] = d.Spec.Template
		}
		for name, template := range templates {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: template.Labels}, Spec: template.Spec}
			_, err := s.typed.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if err != nil {
				t.Errorf("a pod of %s/%s is refused: %v", namespace, name, err)
			}
		}
		workloads += len(templates)
	}
	if workloads != 4 {
		t.Errorf("%d workloads, want 4", workloads)
	}
}
