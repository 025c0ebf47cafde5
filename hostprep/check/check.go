package check

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Check is a requirement that a host has to meet, alone or in comparison with the other hosts.
type Check struct {
	// Name identifies the check in reports and for --ignore-checks. It is immutable: words joined by dashes.
	Name string
	// Short describes the requirement in one line.
	Short string
	// Hint describes in one line what to do if the check does not pass. A verdict may have a more specific hint.
	Hint string

	evaluate func(*subject) verdict
}

// All returns all checks in the order in which a report lists them: access, the machine, its network, other
// software on it, and the network between the hosts.
func All() []Check {
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

// Status is the outcome of a check.
type Status string

// The values of a Status.
const (
	Passed Status = "passed"
	// Warning is a finding that the user should know, but that does not stop the run.
	Warning Status = "warning"
	// Failed stops the run, unless the check is ignored.
	Failed Status = "failed"
)

// Report holds the results of preflight. Its JSON form is a contract with users: check preflight -o json prints it.
type Report struct {
	// OK reports that no check has failed. Warnings do not matter.
	OK bool `json:"ok"`
	// Hosts are in the order of the hosts that were evaluated.
	Hosts []HostReport `json:"hosts"`
}

// HostReport holds the results of preflight for one host.
type HostReport struct {
	// Address is the host's address for SSH.
	Address netip.Addr `json:"address"`
	// Checks are in the order of [All], without those that do not apply to the host.
	Checks []Result `json:"checks"`
	// Changes lists the actions that create would perform on the host, one line each. Evaluate leaves it empty.
	Changes []string `json:"changes"`
}

// Count returns the number of checks with a status.
func (r HostReport) Count(status Status) int {
	n := 0
	for _, result := range r.Checks {
		if result.Status == status {
			n++
		}
	}
	return n
}

// Result is the outcome of one check for one host.
type Result struct {
	// Name is the name of the check.
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Message describes the finding in one line. Its subject is the host.
	Message string `json:"message"`
	// Hint describes what to do; empty for a check that passed.
	Hint string `json:"hint"`
	// Automatic reports that create resolves the finding, so that Hint describes what create will do and the user
	// has nothing to do.
	Automatic bool `json:"-"`
}

// Evaluate applies every check to every host. The result has the hosts in the given order.
func Evaluate(cluster *Cluster, hosts []Host) Report {
	report := Report{OK: true, Hosts: make([]HostReport, len(hosts))}
	checks := All()
	subjects := newFleet(cluster, hosts).subjects
	for i := range subjects {
		// The lists are never nil, so that they are [] and not null in JSON.
		host := HostReport{Address: hosts[i].Address, Checks: make([]Result, 0, len(checks)), Changes: []string{}}
		for _, check := range checks {
			result, applies := check.apply(&subjects[i]) // by pointer: others returns all subjects but this one
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

// apply returns the check's result for a host, and whether the check applies to it. The failure of an ignored check
// becomes a warning.
func (c Check) apply(s *subject) (Result, bool) {
	v := c.evaluate(s)
	if v.status == "" {
		return Result{}, false
	}
	result := Result{Name: c.Name, Status: v.status, Message: v.message}
	if v.status != Passed {
		result.Hint, result.Automatic = cmp.Or(v.hint, c.Hint), v.automatic
	}
	if v.status == Failed && slices.Contains(s.fleet.cluster.Ignore, c.Name) {
		result.Status = Warning
		result.Message += " (ignored, as requested)"
	}
	return result, true
}

// verdict is the finding of a check about a host. The zero value means that the check does not apply.
type verdict struct {
	status Status
	// hint is empty if the hint of the check applies.
	message, hint string
	// automatic reports that create resolves the finding, see [Result.Automatic].
	automatic bool
}

// doesNotApply returns the verdict of a check that does not apply to a host, or that another check covers.
func doesNotApply() verdict { return verdict{} }

// passed, warning and failed return a verdict with a formatted message.
func passed(format string, args ...any) verdict {
	return verdict{status: Passed, message: fmt.Sprintf(format, args...)}
}

func warning(format string, args ...any) verdict {
	return verdict{status: Warning, message: fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) verdict {
	return verdict{status: Failed, message: fmt.Sprintf(format, args...)}
}

// withHint sets a hint that is more specific than that of the check.
func (v verdict) withHint(format string, args ...any) verdict {
	v.hint = fmt.Sprintf(format, args...)
	return v
}

// resolvedByCreate marks a finding that create resolves. The hint has to begin with "create will".
func (v verdict) resolvedByCreate(format string, args ...any) verdict {
	v.automatic = true
	return v.withHint(format, args...)
}

// severity returns a number by which statuses are ordered: the more severe, the higher.
func (v verdict) severity() int {
	return slices.Index([]Status{"", Passed, Warning, Failed}, v.status)
}

// combine merges findings into one verdict with the most severe status and the messages and hints of all findings. It
// returns fine if there are no findings.
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

// maxListed is the number of items that a message lists before it only counts the rest.
const maxListed = 4

// formatList formats items for a message: the first few, and the number of the remaining ones.
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
