package cmd

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/provision/proof"
)

// proofOf returns a report with these results. Its seconds are 1.
func proofOf(results ...proof.Result) proof.Report {
	report := proof.Report{Checks: results, Seconds: 1}
	report.OK = report.Count(proof.Failed) == 0
	return report
}

// TestProofHasOneLineForACheck checks that results that passed are only counted, and that the others are listed.
func TestProofHasOneLineForACheck(t *testing.T) {
	t.Parallel()
	report := proofOf(
		proof.Result{Name: "node-ready", Target: "10.2.0.4", Status: proof.Passed, Message: "node a is ready"},
		proof.Result{Name: "node-ready", Target: "10.2.0.5", Status: proof.Passed, Message: "node b is ready"},
		proof.Result{
			Name: "pod-to-pod", Target: "10.2.0.4 -> 10.2.0.5", Status: proof.Failed, Message: "no \x1b[2Janswer", Hint: "look at the routes",
		},
		proof.Result{Name: "pod-to-pod", Target: "10.2.0.5 -> 10.2.0.4", Status: proof.Passed, Message: "called"},
		proof.Result{Name: "service-ip-families", Target: "single-stack", Status: proof.Passed, Message: "one address"},
		proof.Result{Name: "service-load-balancer", Target: "client -> load-balancer", Status: proof.Skipped, Message: "no client is named"},
		proof.Result{Name: "control-plane-vip", Target: "10.2.0.175:443", Status: proof.Passed, Message: "ready"},
	)
	var short, verbose strings.Builder
	writeProof(&short, "lab", report, false)
	writeProof(&verbose, "lab", report, true)
	want := `CHECK                  RESULT   SUBJECTS
node-ready             passed   2 nodes
pod-to-pod             failed   1 of 2 pairs
    10.2.0.4 -> 10.2.0.5: failed: no \x1b[2Janswer
        try: look at the routes
service-ip-families    passed   1 Service
service-load-balancer  skipped  1 pair
    client -> load-balancer: skipped: no client is named
control-plane-vip      passed   1 address

cluster lab is not proven: 5 passed, 1 failed, 1 skipped in 1.0 s
`
	if diff := cmp.Diff(want, short.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	passed := []string{
		"    10.2.0.4: passed: node a is ready\n", "    10.2.0.5: passed: node b is ready\n", "    10.2.0.5 -> 10.2.0.4: passed: called\n",
		"    single-stack: passed: one address\n", "    10.2.0.175:443: passed: ready\n",
	}
	rest := verbose.String()
	for _, line := range passed {
		if !strings.Contains(rest, line) {
			t.Errorf("no %q in the verbose report", line)
		}
		rest = strings.Replace(rest, line, "", 1)
	}
	if diff := cmp.Diff(want, rest); diff != "" {
		t.Errorf("the verbose report has other differences (-want +got):\n%s", diff)
	}
}

// TestProofGroupsTheSameReason checks that a reason that many nodes share is printed once, also when it names each node, and
// that a verbose report has it for each.
func TestProofGroupsTheSameReason(t *testing.T) {
	t.Parallel()
	var results []proof.Result
	for i := range 62 {
		node := netip.AddrFrom4([4]byte{10, 2, 0, byte(i)})
		result := proof.Result{Name: "pod-ips", Target: node.String(), Status: proof.Failed, Hint: fmt.Sprintf("ssh %s", node)}
		result.Message = fmt.Sprintf("cannot connect to root@%s:22: connection refused", node)
		if i == 7 {
			result.Message = "no pod comes up there: ImagePullBackOff"
		}
		results = append(results, result)
	}
	var short, verbose strings.Builder
	writeProof(&short, "lab", proofOf(results...), false)
	want := `CHECK    RESULT   SUBJECTS
pod-ips  failed   62 nodes
    61 nodes: failed: cannot connect to root@HOST:22: connection refused
        10.2.0.0, 10.2.0.1, 10.2.0.2 and 58 more
        try: ssh HOST
    10.2.0.7: failed: no pod comes up there: ImagePullBackOff
        try: ssh 10.2.0.7

cluster lab is not proven: 0 passed, 62 failed, 0 skipped in 1.0 s
`
	if diff := cmp.Diff(want, short.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	writeProof(&verbose, "lab", proofOf(results...), true)
	if n := strings.Count(verbose.String(), "connection refused"); n != 61 {
		t.Errorf("a verbose report lists %d of 61 nodes", n)
	}
}

// TestProofOfNothing checks that a report without results is printed.
func TestProofOfNothing(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	writeProof(&out, "lab", proofOf(), false)
	if want := "CHECK  RESULT   SUBJECTS\n\ncluster lab is proven: 0 passed, 0 failed, 0 skipped in 1.0 s\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}
