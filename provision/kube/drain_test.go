package kube

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
