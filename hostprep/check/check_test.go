package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/internal/goldentest"
)

// checkCase is a change of a scene, usually of its first host, and the status that a check has for that host
// afterwards. Messages and hints are in testdata/checks.txt.
type checkCase struct {
	check, name string
	want        Status // empty for a check that does not apply
	change      func(*scene)
}

func checkCases() []checkCase {
	return slices.Concat(machineCases(), identityCases(), addressCases(), networkCases(), occupantCases(), neighbourCases())
}

// resultOf returns the result of a check for the first host.
func resultOf(s *scene, check string) Result {
	for _, result := range Evaluate(&s.cluster, s.hosts).Hosts[0].Checks {
		if result.Name == check {
			return result
		}
	}
	return Result{Name: check}
}

func TestGoldenChecks(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, c := range checkCases() {
		s := newScene()
		c.change(s)
		got := resultOf(s, c.check)
		if got.Status != c.want {
			t.Errorf("%s, %s: status %q, want %q: %s", c.check, c.name, got.Status, c.want, got.Message)
		}
		if (got.Hint != "") != (got.Status == Warning || got.Status == Failed) {
			t.Errorf("%s, %s: %s with the hint %q", c.check, c.name, got.Status, got.Hint)
		}
		fmt.Fprintf(&text, "%s, %s\n    %s: %s\n", c.check, c.name, got.Status, got.Message)
		if strings.HasPrefix(got.Hint, "create will ") != got.Automatic {
			t.Errorf("%s, %s: automatic is %v, with the hint %q", c.check, c.name, got.Automatic, got.Hint)
		}
		switch {
		case got.Automatic:
			fmt.Fprintf(&text, "    note: %s\n", got.Hint)
		case got.Hint != "":
			fmt.Fprintf(&text, "    try: %s\n", got.Hint)
		}
	}
	goldentest.Compare(t, "testdata/checks.txt", []byte(text.String()))
}

// TestEveryCheckIsTried verifies that each check has a case in which it passes and one in which it does not.
func TestEveryCheckIsTried(t *testing.T) {
	t.Parallel()
	tried := map[string]map[bool]bool{}
	for _, check := range All() {
		tried[check.Name] = map[bool]bool{}
	}
	for _, c := range checkCases() {
		if tried[c.check] == nil {
			t.Errorf("there is no check %s", c.check)
			continue
		}
		if c.want != "" {
			tried[c.check][c.want == Passed] = true
		}
	}
	for name, outcomes := range tried {
		if !outcomes[true] {
			t.Errorf("%s never passes in a test", name)
		}
		if !outcomes[false] && name != "selinux" {
			t.Errorf("%s never fails or warns in a test", name)
		}
	}
}

func TestChecksAreWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, check := range All() {
		if seen[check.Name] || check.Name == "" || strings.Trim(check.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("%q is not a valid name of a check, or not unique", check.Name)
		}
		seen[check.Name] = true
		if check.Short == "" || strings.Contains(check.Short+check.Hint, "\n") {
			t.Errorf("%s: the description is missing, or not in one line", check.Name)
		}
	}
}

// TestHealthy verifies that a healthy cluster passes all checks, in their order, and is OK.
func TestHealthy(t *testing.T) {
	t.Parallel()
	s := newScene()
	report := Evaluate(&s.cluster, s.hosts)
	if !report.OK {
		t.Error("a healthy cluster is not OK")
	}
	var order []string
	for _, check := range All() {
		order = append(order, check.Name)
	}
	for _, host := range report.Hosts {
		last := -1
		for _, result := range host.Checks {
			if result.Status != Passed {
				t.Errorf("%s: %s: %s: %s", host.Address, result.Name, result.Status, result.Message)
			}
			if at := slices.Index(order, result.Name); at <= last {
				t.Errorf("%s: %s is out of order", host.Address, result.Name)
			} else {
				last = at
			}
		}
	}
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	s := newScene()
	s.first().Facts.Swaps = []string{"/swapfile"}
	s.cluster.Ignore = []string{"swap"}
	got := resultOf(s, "swap")
	if got.Status != Warning || got.Message != "it swaps to /swapfile (ignored, as requested)" || got.Hint == "" {
		t.Errorf("an ignored check gives %+v", got)
	}
	if !Evaluate(&s.cluster, s.hosts).OK {
		t.Error("an ignored check stops the run")
	}
	s.first().Facts.Swaps = nil
	if got := resultOf(s, "swap"); got.Status != Passed || strings.Contains(got.Message, "ignored") {
		t.Errorf("a check that passes is ignored: %+v", got)
	}
}

// TestReportJSON verifies the JSON form, which is a contract: its names, and lists that are never null.
func TestReportJSON(t *testing.T) {
	t.Parallel()
	s := newScene()
	s.hosts = s.hosts[:1]
	s.first().Facts.Swaps = []string{"/swapfile"}
	report := Evaluate(&s.cluster, s.hosts)
	at := slices.IndexFunc(report.Hosts[0].Checks, func(r Result) bool { return r.Name == "swap" })
	report.Hosts[0].Checks = report.Hosts[0].Checks[at : at+1]
	got, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"ok":false,"hosts":[{"address":"10.2.0.4","checks":[{"name":"swap","status":"failed","message":"it swaps to /swapfile",` +
		`"hint":"switch it off for good: swapoff -a, and remove its line from /etc/fstab"}],"changes":[]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	empty, err := json.Marshal(Evaluate(&s.cluster, nil))
	if err != nil || string(empty) != `{"ok":true,"hosts":[]}` {
		t.Errorf("a report of no hosts is %s", empty)
	}
}
