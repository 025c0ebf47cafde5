package step

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// loggingHost is a host that answers what its logs hold, or an error.
type loggingHost struct {
	*remotetest.Host

	answer remote.Answer
	err    error
}

// Probe implements remote.Reader.
func (h loggingHost) Probe(context.Context, remote.Script) (remote.Answer, error) {
	return h.answer, h.err
}

// TestExplain checks that a failure of kubeadm is explained with the logs of the host, and that other failures stay as they
// are: a lost connection says nothing about kubeadm.
func TestExplain(t *testing.T) {
	t.Parallel()
	failed := &remote.CommandError{Script: "kubeadm join", Status: 1}
	logs := remote.Answer{Values: map[string]remote.Value{
		"kubelet": {Output: []byte("E0102 03:04:05.1 1 run.go:7] \"command failed\" err=\"swap is on\"\n")},
		"containers": {Output: []byte("== 1f_kube-system_etcd/etcd/0.log\n" +
			`2026-01-02T03:04:05Z stderr F {"level":"fatal","msg":"no space left on device"}` + "\n")},
	}}
	for name, test := range map[string]struct {
		cause error
		host  loggingHost
		want  []string
	}{
		"with logs": {
			failed, loggingHost{answer: logs}, []string{"cannot join: ", "swap is on", "1f: ", "no space left on device"},
		},
		"logs are lost with the connection": {failed, loggingHost{err: remote.ErrConnectionLost}, []string{"cannot join: "}},
		"no logs":                           {failed, loggingHost{}, []string{"cannot join: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.host.Host = remotetest.NewHost(t, netip.MustParseAddr("10.2.0.4"))
			err := explain(t.Context(), test.host, "join", test.cause)
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if !errors.Is(err, test.cause) {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
	host := loggingHost{Host: remotetest.NewHost(t, netip.MustParseAddr("10.2.0.4")), answer: logs}
	lost := &remote.Error{Op: "kubeadm join", Reason: remote.ErrConnectionLost, Err: errors.New("EOF")}
	if err := explain(t.Context(), host, "join", lost); !errors.Is(err, lost) || strings.Contains(err.Error(), "swap") {
		t.Errorf("a lost connection: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := explain(cancelled, host, "join", failed); strings.Contains(err.Error(), "swap") {
		t.Errorf("an interrupted run: %v", err)
	}
}
