package provision

import (
	"context"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// checkHosts probes every host, probes the network between the hosts, and evaluates the results. It changes nothing. Problems of
// hosts are in the report, also that a host cannot be reached; the error is for a cancelled context or a defect of this
// program.
func (s *Session) checkHosts(ctx context.Context) (check.Report, error) {
	if err := s.probeHosts(ctx, s.reached(), s.probePhase()); err != nil {
		return check.Report{}, err
	}
	// The hosts that did not answer the first probe are left out of the second.
	if err := s.probeHosts(ctx, s.reached(), s.networkPhase()); err != nil {
		return check.Report{}, err
	}
	return check.Evaluate(&s.cluster, s.hosts), nil
}

// Preflight evaluates the checks, and plans what preparing would change on the hosts that pass it.
func (s *Session) Preflight(ctx context.Context) (Preflight, error) {
	if _, err := s.mirrors(); err != nil { // fails fast, before the first connection
		return Preflight{}, err
	}
	report, err := s.checkHosts(ctx)
	if err != nil {
		return Preflight{}, err
	}
	// Key files are nil, because nothing is written: the plan of that phase reads the host.
	plan, err := s.run(ctx, s.passingHosts(report), true, s.preparePhase(s.renderOnce()), s.encryptionKeyPhase(ctx, nil))
	if err != nil {
		return Preflight{}, err
	}
	found := Preflight{Report: report, Diffs: map[netip.Addr][]workflow.Change{}}
	for i := range report.Hosts {
		host := &report.Hosts[i]
		changes := slices.Concat(plan.Changes(host.Address, preparePhaseName), plan.Changes(host.Address, encryptionKeyPhaseName))
		for _, change := range changes {
			host.Changes = append(host.Changes, change.Summary)
			found.Diffs[host.Address] = append(found.Diffs[host.Address], change)
		}
	}
	return found, plan.Err()
}

// Preflight is the result of [Session.Preflight].
type Preflight struct {
	check.Report
	// Diffs holds the changes that the report lists by summary, with the diffs of files.
	Diffs map[netip.Addr][]workflow.Change
}

// passingHosts returns the hosts that answered and passed all checks.
func (s *Session) passingHosts(report check.Report) []netip.Addr {
	var hosts []netip.Addr
	for _, host := range report.Hosts {
		if host.Count(check.Failed) == 0 && s.index[host.Address].Err == nil {
			hosts = append(hosts, host.Address)
		}
	}
	return hosts
}

// probeHosts runs a read-only phase on some hosts, and records in Err which of them failed. It returns an error only if the
// context has ended.
func (s *Session) probeHosts(ctx context.Context, hosts []netip.Addr, phase workflow.Phase) error {
	report, err := s.run(ctx, hosts, false, phase)
	if err != nil {
		return err
	}
	for _, host := range report.Hosts {
		s.index[host.Address].Err = host.Err()
	}
	return ctx.Err()
}

// probePhase returns the phase that reads the facts of a host. Each host writes only its own element of s.hosts, so no lock
// is needed.
func (s *Session) probePhase() workflow.Phase {
	return workflow.Phase{
		Name:     "probe",
		Short:    "read the facts of every host",
		ReadOnly: true,
		Plan: func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
			known, err := facts.Probe(ctx, host)
			s.index[host.Address()].Facts = known
			return nil, err
		},
	}
}

// networkPhase returns the phase in which hosts probe each other. It needs the facts of all hosts, such as their
// interfaces, so it must be created after probePhase has run.
func (s *Session) networkPhase() workflow.Phase {
	tasks := map[netip.Addr]facts.NetworkProbe{}
	for i, task := range check.PlanNetworkProbes(&s.cluster, s.hosts) {
		tasks[s.hosts[i].Address] = task
	}
	return workflow.Phase{
		Name:     "network",
		Short:    "probe the network between hosts, and look for addresses that are in use",
		ReadOnly: true,
		Plan: func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
			task := tasks[host.Address()]
			if task.IsEmpty() { // saves a round trip
				return nil, nil
			}
			network, err := facts.ProbeNetwork(ctx, host, task)
			s.index[host.Address()].Network = &network
			return nil, err
		},
	}
}
