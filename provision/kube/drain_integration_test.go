//go:build integration

package kube

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// onNode returns a pod that is bound to a node without a kubelet: nothing runs or terminates it.
func onNode(name string, labels map[string]string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: labels},
		Spec: corev1.PodSpec{
			NodeName: "worker", AutomountServiceAccountToken: new(bool),
			Containers: []corev1.Container{{Name: "c", Image: "dualstrap.dev/pause:3"}},
		},
	}
}

// TestIntegrationDrain drains a node on a real API server. Without a kubelet, an evicted pod stays in deletion.
func TestIntegrationDrain(t *testing.T) {
	c := connect(t)
	ctx := t.Context()
	makeAll(ctx, t, c, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "worker"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "default"}})
	free, guarded := onNode("free", nil), onNode("guarded", map[string]string{"app": "guarded"})
	daemon := onNode("daemon", nil)
	controls := true
	daemon.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "d", UID: "1", Controller: &controls}}
	one := intstr.FromInt32(1)
	budget := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "guard"},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: &one, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "guarded"}},
		},
	}
	makeAll(ctx, t, c, free, guarded, daemon, budget)
	// A PodDisruptionBudget does not protect a pod that is not running yet.
	guarded.Status.Phase = corev1.PodRunning
	guarded.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if err := c.client.Status().Update(ctx, guarded); err != nil {
		t.Fatal(err)
	}

	if err := c.Cordon(ctx, "worker"); err != nil {
		t.Fatal(err)
	}
	if node, found, err := c.FindNode(ctx, "worker"); err != nil || !found || !node.Unschedulable {
		t.Errorf("the node is %+v, %v", node, err)
	}
	if err := c.Cordon(ctx, "missing"); err != nil {
		t.Errorf("a node that is not there: %v", err)
	}
	if err := c.Uncordon(ctx, "worker"); err != nil {
		t.Fatal(err)
	}
	if node, found, err := c.FindNode(ctx, "worker"); err != nil || !found || node.Unschedulable {
		t.Errorf("after it is uncordoned, the node is %+v, %v", node, err)
	}
	if err := c.Uncordon(ctx, "missing"); !apierrors.IsNotFound(err) {
		t.Errorf("a node that is not there: %v", err)
	}
	if err := c.Cordon(ctx, "worker"); err != nil {
		t.Fatal(err)
	}
	pods, err := c.PodsToEvict(ctx, "worker")
	if err != nil || len(pods) != 2 || pods[0].String() != "default/free" || pods[1].String() != "default/guarded" {
		t.Fatalf("to be evicted are %v, %v", pods, err)
	}
	err = c.Evict(ctx, pods, false, 3*time.Second)
	var staying *DrainTimeoutError
	if !errors.As(err, &staying) || len(staying.Pods) != 1 || !strings.HasPrefix(staying.Pods[0], "default/guarded may not leave: ") {
		t.Errorf("a budget does not keep its pod: %v", err)
	}
	if leaving := deletionOf(ctx, t, c, free); leaving == nil {
		t.Error("a pod without a budget was not evicted")
	}
	if leaving := deletionOf(ctx, t, c, guarded); leaving != nil {
		t.Error("a pod was evicted against its budget")
	}
	if err := c.Evict(ctx, pods[:1], true, 2*time.Second); !errors.As(err, &staying) || !strings.HasSuffix(staying.Pods[0], "is still there") {
		t.Errorf("a pod that its kubelet is to end is not waited for: %v", err)
	}
	if err := c.client.Delete(ctx, budget); err != nil {
		t.Fatal(err)
	}
	if err := c.Evict(ctx, pods, false, time.Minute); err != nil {
		t.Error(err)
	}
	for range 2 { // that it is gone is fine
		if err := c.DeleteNode(ctx, "worker"); err != nil {
			t.Error(err)
		}
	}
	if _, found, err := c.FindNode(ctx, "worker"); err != nil || found {
		t.Errorf("the node is still there, %v", err)
	}
}

func makeAll(ctx context.Context, t *testing.T, c *Client, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := c.client.Create(ctx, object); err != nil {
			t.Fatal(err)
		}
	}
}

func deletionOf(ctx context.Context, t *testing.T, c *Client, pod *corev1.Pod) *metav1.Time {
	t.Helper()
	if err := c.client.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
		t.Fatal(err)
	}
	return pod.DeletionTimestamp
}
