package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/provision/workflow"
)

// TestHostProgress checks what users and the log of a run see of a workflow without a terminal: a line with the time for
// the start and the end of each phase on each host. Actions and quiet phases are not shown.
func TestHostProgress(t *testing.T) {
	t.Parallel()
	var shown, logged bytes.Buffer
	p := newHostProgress(Streams{Err: &shown})
	p.log = slog.New(slog.NewTextHandler(&logged, nil))
	host := netip.MustParseAddr("10.2.0.4")
	for _, event := range []workflow.Event{
		{Host: host, Phase: "lock", Quiet: true},
		{Host: host, Phase: "lock", Quiet: true, Status: workflow.Done},
		{Host: host, Phase: "prepare", Hosts: 2},
		{Host: host, Phase: "prepare", Action: "restart containerd\x1b[2J"},
		{Host: host, Phase: "prepare", Step: "write files", Done: 1, Of: 2},
		{Host: host, Phase: "prepare", Status: workflow.Failed, Err: errors.New("no space left")},
		{Phase: "prove"},
		{Phase: "prove", Status: workflow.Done},
	} {
		p.observe(event)
	}
	p.display.Close()
	want := "TIME 10.2.0.4 prepare\nTIME 10.2.0.4 prepare: failed in 0s\nTIME prove\nTIME prove: done in 0s\n"
	if got := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d `).ReplaceAllString(shown.String(), "TIME "); got != want {
		t.Errorf("shown:\n%swant:\n%s", got, want)
	}
	for _, want := range []string{
		`msg="phase started" phase=prepare host=10.2.0.4`, `msg="action started" phase=prepare host=10.2.0.4 action="restart containerd\x1b[2J"`,
		`msg="phase finished" phase=prepare host=10.2.0.4 status=failed error="no space left"`, `msg="phase finished" phase=prove status=done`,
	} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, logged.String())
		}
	}
	if strings.Contains(logged.String(), "lock") || strings.Contains(logged.String(), "write files") {
		t.Errorf("a quiet phase or a step is logged:\n%s", logged.String())
	}
}

// TestDoing checks what the line of a host on a terminal says of its action.
func TestDoing(t *testing.T) {
	t.Parallel()
	for want, event := range map[string]workflow.Event{
		"prepare the host":                           {Action: "prepare the host"},
		"import image kube-apiserver (5 of 13 done)": {Step: "import image kube-apiserver", Done: 5, Of: 13},
		`write \x1b[2J (0 of 1 done)`:                {Step: "write \x1b[2J", Of: 1},
	} {
		if got := doing(event); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
