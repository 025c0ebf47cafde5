//go:build integration

package kubetest_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/dualstrap/dualstrap/internal/kubetest"
)

func TestIntegrationStart(t *testing.T) {
	t.Parallel()
	client := kubernetes.NewForConfigOrDie(kubetest.Start(t))
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(version)
	namespace, err := client.CoreV1().Namespaces().Get(t.Context(), "kube-system", metav1.GetOptions{})
	if err != nil {
		t.Fatalf("the API server has no kube-system: %v", err)
	}
	if namespace.Status.Phase != "Active" {
		t.Errorf("kube-system is %s", namespace.Status.Phase)
	}
}
