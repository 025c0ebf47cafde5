package kube

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestMustEvict(t *testing.T) {
	t.Parallel()
	ownedBy := func(kind string) func(*corev1.Pod) {
		controls := true
		return func(pod *corev1.Pod) {
			pod.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Controller: &controls}}
		}
	}
	for name, test := range map[string]struct {
		alter func(*corev1.Pod)
		want  bool
	}{
		"a pod of nobody":          {func(*corev1.Pod) {}, true},
		"one of a ReplicaSet":      {ownedBy("ReplicaSet"), true},
		"one of a DaemonSet":       {ownedBy("DaemonSet"), false},
		"a static pod":             {func(pod *corev1.Pod) { pod.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"} }, false},
		"one that is done":         {func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodSucceeded }, false},
		"one that failed":          {func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed }, false},
		"one that is still to run": {func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodPending }, true},
	} {
		pod := &corev1.Pod{}
		test.alter(pod)
		if got := mustEvict(pod); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}

// TestCordonAndUncordon verifies that only the field changes, also on a node that is in that state already.
func TestCordonAndUncordon(t *testing.T) {
	t.Parallel()
	node := readyNode("node")
	node.Spec.PodCIDRs = []string{"192.168.0.0/24"}
	c := inMemory(t, nil, interceptor.Funcs{}, node)
	for _, unschedulable := range []bool{false, true, true, false} {
		change := map[bool]func(context.Context, string) error{true: c.Cordon, false: c.Uncordon}[unschedulable]
		if err := change(t.Context(), "node"); err != nil {
			t.Fatal(err)
		}
		got := live(t, c, "node")
		if got.Spec.Unschedulable != unschedulable || !slices.Equal(got.Spec.PodCIDRs, node.Spec.PodCIDRs) {
			t.Errorf("unschedulable is %t, want %t; podCIDRs %v", got.Spec.Unschedulable, unschedulable, got.Spec.PodCIDRs)
		}
	}
	if err := c.Cordon(t.Context(), "missing"); err != nil {
		t.Errorf("cordon a missing node: %v", err)
	}
	if err := c.Uncordon(t.Context(), "missing"); !apierrors.IsNotFound(err) {
		t.Errorf("uncordon a missing node: %v", err)
	}
}

// TestUncordonRetries verifies that an API server that elects a leader does not fail the call.
func TestUncordonRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		node := readyNode("node")
		node.Spec.Unschedulable = true
		tries := 0
		c := inMemory(t, nil, interceptor.Funcs{
			Patch: func(ctx context.Context, to client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
				if tries++; tries < 3 {
					return apierrors.NewInternalError(errors.New("etcdserver: leader changed"))
				}
				return to.Patch(ctx, object, patch, options...)
			},
		}, node)
		if err := c.Uncordon(t.Context(), "node"); err != nil || live(t, c, "node").Spec.Unschedulable {
			t.Errorf("after %d tries: %v", tries, err)
		}
	})
}

// TestEvict evicts a pod whose budget, webhook, kubelet or name gets in the way.
func TestEvict(t *testing.T) {
	t.Parallel()
	const kept = "may not leave: Cannot evict pod as it would violate the pod's disruption budget."
	budget := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
	webhook := apierrors.NewInternalError(errors.New(`failed calling webhook "w": connection refused`))
	for name, test := range map[string]struct {
		failures []error // of the first requests to evict the pod; the last one repeats if it is a budget's
		stays    bool    // the pod is not deleted when it is evicted, as by a kubelet that is slow or dead
		isDead   bool
		uid      types.UID // of the pod in the cluster
		reason   string    // of the timeout; empty for none
	}{
		"at once":                        {uid: "1"},
		"a webhook that moves":           {failures: []error{webhook, webhook, nil}, uid: "1"},
		"a budget that has enough again": {failures: []error{budget, budget, nil}, uid: "1"},
		"a budget":                       {failures: []error{budget}, uid: "1", reason: kept},
		"a slow kubelet":                 {stays: true, uid: "1", reason: "is still there"},
		"a dead kubelet":                 {stays: true, isDead: true, uid: "1"},
		"a dead kubelet, and a budget":   {failures: []error{budget}, isDead: true, uid: "1", reason: kept},
		"another pod of that name":       {uid: "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pod := &corev1.Pod{ObjectMeta: named("default", "web-0")}
				pod.UID = test.uid
				tries := 0
				c := inMemory(t, nil, interceptor.Funcs{SubResourceCreate: func(
					ctx context.Context, to client.Client, _ string, object, eviction client.Object, options ...client.SubResourceCreateOption,
				) error {
					// As the API server does, which only evicts the pod that is meant.
					if asked, is := eviction.(*policyv1.Eviction); !is || *asked.DeleteOptions.Preconditions.UID != test.uid {
						return apierrors.NewConflict(corev1.Resource("pods"), "web-0", errors.New("the UID differs"))
					}
					failure := error(nil)
					if len(test.failures) > 0 {
						failure = test.failures[min(tries, len(test.failures)-1)]
					}
					tries++
					if failure != nil || test.stays {
						return failure
					}
					return to.SubResource("eviction").Create(ctx, object, eviction, options...)
				}}, pod)
				err := c.Evict(t.Context(), []PodToEvict{{Namespace: "default", Name: "web-0", uid: "1"}}, !test.isDead, time.Minute)
				if test.reason == "" {
					if err != nil {
						t.Errorf("after %d tries: %v", tries, err)
					}
					return
				}
				var staying *DrainTimeoutError
				if !errors.As(err, &staying) || !slices.Equal(staying.Pods, []string{"default/web-0 " + test.reason}) {
					t.Errorf("the error is %v, want the reason %q", err, test.reason)
				}
			})
		})
	}
}
