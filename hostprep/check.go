package hostprep

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Check is one thing that a host has to be, alone or among the others.
type Check struct {
	// Name is stable, in words joined by dashes.
	Name string
	// Short is what it demands, in one line.
	Short string
	// Hint is what to do about it, in one line; a result may know better.
	Hint string

	judge func(*subject) verdict
}

// Checks are all of them, in the order in which a report lists them: whether the host answers at all,
// the machine, its network, what else runs on it, and what lies between it and the others.
func Checks() []Check {
	return slices.Concat(
		accessChecks(),
		machineChecks(),
		clockChecks(),
		identityChecks(),
		addressChecks(),
		networkChecks(),
		existingChecks(),
		portChecks(),
		firewallChecks(),
		programChecks(),
		neighbourChecks(),
	)
}

// Status is what a check came to.
type Status string

// The values of a Status. Only a failed check stops the run.
const (
	Passed  Status = "passed"
	Warning Status = "warning"
	Failed  Status = "failed"
)

// Report is what preflight found. Its JSON form is a contract with users: check preflight -o json
// prints it.
type Report struct {
	OK    bool         `json:"ok"`
	Hosts []HostReport `json:"hosts"`
}

// HostReport is what preflight found about one host.
type HostReport struct {
	Address netip.Addr `json:"address"`
	// Checks are in the order of [Checks], without those that say nothing about this host.
	Checks []Result `json:"checks"`
	// Changes are what create would do to the host, a line each.
	Changes []string `json:"changes"`
}

// Count is how many checks came to a status.
func (r HostReport) Count(status Status) int {
	n := 0
	for _, result := range r.Checks {
		if result.Status == status {
			n++
		}
	}
	return n
}

// Result is what one check says about one host.
type Result struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	// Hint says what to do; empty for a check that passed.
	Hint string `json:"hint"`
}

// Evaluate applies every check to every host.
func Evaluate(cluster *Cluster, hosts []Host) Report {
	report := Report{OK: true, Hosts: make([]HostReport, len(hosts))}
	checks := Checks()
	subjects := newFleet(cluster, hosts).subjects
	for i := range subjects {
		host := HostReport{Address: hosts[i].Address, Checks: make([]Result, 0, len(checks)), Changes: []string{}}
		for _, check := range checks {
			result, applies := check.apply(&subjects[i])
			if !applies {
				continue
			}
			host.Checks = append(host.Checks, result)
			report.OK = report.OK && result.Status != Failed
		}
		report.Hosts[i] = host
	}
	return report
}

// apply gives the check's result, unless it says nothing about the host.
func (c Check) apply(s *subject) (Result, bool) {
	v := c.judge(s)
	if v.status == "" {
		return Result{}, false
	}
	result := Result{Name: c.Name, Status: v.status, Message: v.message}
	if v.status != Passed {
		result.Hint = cmp.Or(v.hint, c.Hint)
	}
	if v.status == Failed && slices.Contains(s.fleet.cluster.Ignore, c.Name) {
		result.Status = Warning
		result.Message += " (ignored, as asked)"
	}
	return result, true
}

// verdict is what a check says about a host. The zero value says that it does not apply.
type verdict struct {
	status        Status
	message, hint string
}

// doesNotApply is the verdict of a check that has nothing to say.
func doesNotApply() verdict { return verdict{} }

func passed(format string, args ...any) verdict {
	return verdict{status: Passed, message: fmt.Sprintf(format, args...)}
}

func warning(format string, args ...any) verdict {
	return verdict{status: Warning, message: fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) verdict {
	return verdict{status: Failed, message: fmt.Sprintf(format, args...)}
}

// withHint says what to do in this very case.
func (v verdict) withHint(format string, args ...any) verdict {
	v.hint = fmt.Sprintf(format, args...)
	return v
}

// severity orders statuses.
func (v verdict) severity() int {
	return slices.Index([]Status{"", Passed, Warning, Failed}, v.status)
}

// combine makes one verdict of several: as bad as the worst, in the words of all that are no better
// than a warning, or of fine when there is none.
func combine(fine verdict, findings []verdict) verdict {
	if len(findings) == 0 {
		return fine
	}
	worst := slices.MaxFunc(findings, func(a, b verdict) int { return a.severity() - b.severity() })
	var messages, hints []string
	for _, finding := range findings {
		messages = append(messages, finding.message)
		if finding.hint != "" && !slices.Contains(hints, finding.hint) {
			hints = append(hints, finding.hint)
		}
	}
	return verdict{status: worst.status, message: strings.Join(messages, "; "), hint: strings.Join(hints, "; ")}
}

// maxListed is how many things of a kind a message names.
const maxListed = 4

// formatList writes things for a person, and only counts what is too much.
func formatList[T any](things []T) string {
	words := make([]string, 0, len(things))
	for _, thing := range things[:min(len(things), maxListed)] {
		words = append(words, fmt.Sprint(thing))
	}
	if more := len(things) - maxListed; more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return strings.Join(words, ", ")
}
