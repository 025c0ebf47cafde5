package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func taint(key string, value ...string) corev1.Taint {
	t := corev1.Taint{Key: key, Effect: corev1.TaintEffectNoSchedule}
	if len(value) > 0 {
		t.Value = value[0]
	}
	return t
}

func TestMergeTaints(t *testing.T) {
	t.Parallel()
	notReady := taint("node.kubernetes.io/not-ready")
	for _, tc := range []struct {
		name         string
		live, wanted []corev1.Taint
		noted        string
		want         []corev1.Taint
	}{
		{name: "nothing at all"},
		{name: "what others put there stays", live: []corev1.Taint{notReady}, want: []corev1.Taint{notReady}},
		{
			name: "what is new is added", live: []corev1.Taint{notReady},
			wanted: []corev1.Taint{taint("storage")}, want: []corev1.Taint{notReady, taint("storage")},
		},
		{
			name: "what is there is not added again", live: []corev1.Taint{taint("storage"), notReady}, noted: "storage:NoSchedule",
			wanted: []corev1.Taint{taint("storage")}, want: []corev1.Taint{taint("storage"), notReady},
		},
		{
			name: "what the manifests have no more is taken back", live: []corev1.Taint{taint("storage"), notReady}, noted: "storage:NoSchedule",
			want: []corev1.Taint{notReady},
		},
		{
			name: "what a person put there is not taken back", live: []corev1.Taint{taint("storage")},
			want: []corev1.Taint{taint("storage")},
		},
		{
			name: "another value replaces the first one", live: []corev1.Taint{taint("storage", "slow"), notReady}, noted: "storage:NoSchedule",
			wanted: []corev1.Taint{taint("storage", "fast")}, want: []corev1.Taint{notReady, taint("storage", "fast")},
		},
	} {
		got := mergeTaints(tc.live, tc.noted, tc.wanted)
		if len(got) == 0 && len(tc.want) == 0 {
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
