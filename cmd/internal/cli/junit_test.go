package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/provision/proof"
)

func TestWriteJUnit(t *testing.T) {
	t.Parallel()
	report := proof.Report{Checks: []proof.Result{
		{Name: "node-ready", Target: "10.2.0.4", Status: proof.Passed, Message: "node a is ready", Seconds: 0.25},
		{Name: "flat-ipv6", Target: "client -> 10.2.0.4", Status: proof.Skipped, Message: "no client", Hint: "name one"},
		{Name: "pod-to-pod", Target: "10.2.0.4 -> 10.2.0.5", Status: proof.Failed, Message: `no "answer"`, Hint: "look"},
	}}
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="proof" tests="3" failures="1" skipped="1">
    <testcase classname="node-ready" name="node-ready 10.2.0.4" time="0.250">
      <system-out>node a is ready</system-out>
    </testcase>
    <testcase classname="flat-ipv6" name="flat-ipv6 client -&gt; 10.2.0.4" time="0.000">
      <skipped message="no client">name one</skipped>
    </testcase>
    <testcase classname="pod-to-pod" name="pod-to-pod 10.2.0.4 -&gt; 10.2.0.5" time="0.000">
      <failure message="no &#34;answer&#34;">try: look</failure>
    </testcase>
  </testsuite>
</testsuites>
`
	var out strings.Builder
	if err := cli.WriteJUnit(&out, "proof", report); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWriteJUnitMakesVisible checks that control characters in answers of hosts are escaped so that XML parsers restore them.
func TestWriteJUnitMakesVisible(t *testing.T) {
	t.Parallel()
	const drives = "\u009b31m\u202e\x7f"
	report := proof.Report{Checks: []proof.Result{
		{Name: "a", Target: drives, Status: proof.Failed, Message: drives + "\x1b[2J", Hint: drives},
	}}
	var out strings.Builder
	if err := cli.WriteJUnit(&out, drives, report); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); cli.Visible(text) != text || strings.Count(text, "&#x9B;31m&#x202E;&#x7F;") != 4 {
		t.Errorf("%q", text)
	}
}
