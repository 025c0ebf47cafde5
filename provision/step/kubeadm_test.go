package step

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLogErrors(t *testing.T) {
	t.Parallel()
	log := `I1125 06:18:08.000000    1 server.go:1] "Starting"
E1125 06:18:09.000000    1 run.go:2] "command failed" err="no cgroups"
E1125 06:18:10.000000    1 run.go:2] "command failed" err="no cgroups"
Started kubelet.
E1125 06:18:11.000000    1 kubelet.go:3] "Container runtime is down"
`
	want := []string{`kubelet: "command failed" err="no cgroups"`, `kubelet: "Container runtime is down"`}
	if diff := cmp.Diff(want, logErrors([]byte(log))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := logErrors(nil); got != nil {
		t.Errorf("of nothing: %q", got)
	}
}

func TestLastLogLines(t *testing.T) {
	t.Parallel()
	text := `== etcd-lab-cp-1_0123/etcd/2.log
2026-11-25T06:18:08.1Z stderr F {"level":"info","msg":"starting"}
2026-11-25T06:18:08.2Z stderr F {"level":"fatal","msg":"no space"}
== kube-apiserver-lab-cp-1_0123/kube-apiserver/1.log
2026-11-25T06:18:09.1Z stderr F E1125 06:18:09.000000 1 run.go:2] "command failed" err="no etcd"
2026-11-25T06:18:09.2Z stderr F I1125 06:18:09.000000 1 run.go:2] bye
`
	want := []string{
		`etcd-lab-cp-1: {"level":"fatal","msg":"no space"}`,
		`kube-apiserver-lab-cp-1: E1125 06:18:09.000000 1 run.go:2] "command failed" err="no etcd"`,
	}
	if diff := cmp.Diff(want, lastLogLines(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
