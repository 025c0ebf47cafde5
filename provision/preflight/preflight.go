package preflight

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/step"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// Run evaluates the checks, and plans what preparing would change on the hosts that pass it.
func Run(ctx context.Context, s *session.Session) (Outcome, error) {
	if _, err := s.Mirrors(); err != nil { // fails fast, before the first connection
		return Outcome{}, err
	}
	report, err := s.CheckHosts(ctx)
	if err != nil {
		return Outcome{}, err
	}
	// Key files are nil, because nothing is written: the plan of that phase reads the host.
	runner := s.Runner(passingHosts(s, report))
	runner.PlanOnly = true
	plan, err := runner.Run(ctx, []workflow.Phase{step.PreparePhase(s, step.RenderOnce(s)), step.EncryptionKeyPhase(ctx, s, nil)})
	if err != nil {
		return Outcome{}, err
	}
	found := Outcome{Report: report, Diffs: map[netip.Addr][]workflow.Change{}}
	for i := range report.Hosts {
		host := &report.Hosts[i]
		changes := slices.Concat(plan.Changes(host.Address, step.PreparePhaseName), plan.Changes(host.Address, step.EncryptionKeyPhaseName))
		for _, change := range changes {
			host.Changes = append(host.Changes, change.Summary)
			found.Diffs[host.Address] = append(found.Diffs[host.Address], change)
		}
	}
	return found, plan.Err()
}

// Outcome is the result of [Run].
type Outcome struct {
	check.Report
	// Diffs holds the changes that the report lists by summary, with the diffs of files.
	Diffs map[netip.Addr][]workflow.Change
}

// passingHosts returns the hosts that answered and passed all checks.
func passingHosts(s *session.Session, report check.Report) []netip.Addr {
	var hosts []netip.Addr
	for _, host := range report.Hosts {
		if host.Count(check.Failed) == 0 && s.Host(host.Address).Err == nil {
			hosts = append(hosts, host.Address)
		}
	}
	return hosts
}

// FailedChecksError reports that hosts failed their checks, so nothing was changed.
type FailedChecksError struct {
	// Failed is how many of the Hosts failed at least one check.
	Failed, Hosts int
}

// Error implements error.
func (e *FailedChecksError) Error() string {
	return fmt.Sprintf("%d of %s failed their checks; nothing was changed", e.Failed, plural.Of(e.Hosts, "host"))
}

// FailedChecks returns a [FailedChecksError] if a check failed on any host, and nil otherwise.
func FailedChecks(report check.Report) error {
	failed := 0
	for _, host := range report.Hosts {
		if host.Count(check.Failed) > 0 {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return &FailedChecksError{Failed: failed, Hosts: len(report.Hosts)}
}
