//go:build integration

package render

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/internal/kubetest"
)

// TestIntegrationAPIServerTakesStaticPods creates the mirror pods of static pods: the kubelet creates one for every static pod,
// and the API server validates it by the same rules.
func TestIntegrationAPIServerTakesStaticPods(t *testing.T) {
	t.Parallel()
	client, err := kubernetes.NewForConfig(kubetest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	core := client.CoreV1()
	// Without a controller manager, neither the namespace nor its service account is created automatically.
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "static-pods"}}
	if _, err := core.Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if _, err := core.ServiceAccounts(namespace.Name).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pods := 0
	for _, s := range hostScenarios(t) {
		for _, file := range filesOf(t, s.in) {
			if !strings.HasPrefix(file.Path, StaticPods) {
				continue
			}
			var pod corev1.Pod
			if err := yaml.UnmarshalStrict(file.Content, &pod); err != nil {
				t.Fatal(err)
			}
			if pod.Namespace != "kube-system" {
				t.Errorf("%s: namespace is %s", file.Path, pod.Namespace)
			}
			pod.Namespace = namespace.Name
			options := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict}
			if _, err := core.Pods(namespace.Name).Create(t.Context(), &pod, options); err != nil {
				t.Errorf("%s, host %s, %s: %v", s.name, file.Host, file.Path, err)
			}
			pods++
		}
	}
	if pods == 0 {
		t.Error("no static pods")
	}
}
