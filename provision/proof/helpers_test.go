package proof_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// TestMain prepares this machine for simulated networks.
func TestMain(m *testing.M) {
	prooftest.Prepare()
	m.Run()
}

// prove proves the cluster of a network, and fails the test if the proof leaves anything behind.
func prove(t *testing.T, n *prooftest.Network) proof.Report {
	t.Helper()
	report, err := proof.Run(t.Context(), n.Cluster(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	expectNothingLeft(t, n)
	return report
}

// expectNothingLeft fails the test if something of a proof is in the cluster or on the client.
func expectNothingLeft(t *testing.T, n *prooftest.Network) {
	t.Helper()
	if left := n.Left(t.Context()); len(left) > 0 {
		t.Errorf("the proof has left:\n%s", strings.Join(left, "\n"))
	}
}

// expectFindings fails the test unless a report passes everything but what is wanted. Each line of wanted has the form
//
//	STATUS CHECK TARGET: TEXT | TEXT
//
// and the message of the result has every TEXT. The TARGET "all" stands for all targets of the check.
func expectFindings(t *testing.T, report proof.Report, wanted string) {
	t.Helper()
	texts := map[string][]string{}
	for line := range strings.Lines(wanted) {
		if line = strings.TrimSpace(line); line != "" {
			result, text, _ := strings.Cut(line, ": ")
			texts[result] = strings.Split(text, " | ")
		}
	}
	failures, met := 0, map[string]bool{}
	for _, result := range report.Checks {
		name := fmt.Sprintf("%s %s %s", result.Status, result.Name, result.Target)
		every := fmt.Sprintf("%s %s all", result.Status, result.Name)
		expected, isWanted := texts[name]
		met[name], met[every] = true, true
		if !isWanted {
			expected, isWanted = texts[every]
		}
		switch {
		case result.Status == proof.Passed && result.Hint == "" && result.Message != "":
		case !isWanted:
			t.Errorf("unexpected: %s: %s", name, result.Message)
		}
		if result.Status == proof.Failed {
			failures++
		}
		if result.Status == proof.Failed && result.Hint == "" {
			t.Errorf("%s has no hint", name)
		}
		for _, text := range expected {
			if !strings.Contains(result.Message, text) {
				t.Errorf("%s: %s; want %q in it", name, result.Message, text)
			}
		}
	}
	for name := range texts {
		if !met[name] {
			t.Errorf("missing: %s", name)
		}
	}
	if report.OK != (failures == 0) || (report.Err() == nil) != report.OK {
		t.Errorf("OK is %v with %d failures, and the error %v", report.OK, failures, report.Err())
	}
}

// countResults returns the number of results of each check, in the order of the report: "node-ready 3".
func countResults(report proof.Report) []string {
	var names []string
	counts := map[string]int{}
	for _, result := range report.Checks {
		if counts[result.Name]++; counts[result.Name] == 1 {
			names = append(names, result.Name)
		}
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return names
}

// expectResults fails the test unless a report has exactly these numbers of results.
func expectResults(t *testing.T, report proof.Report, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, countResults(report)); diff != "" {
		t.Errorf("results of each check (-want +got):\n%s", diff)
	}
}
