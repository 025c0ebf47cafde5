package provision

import (
	"context"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// Check reads every host, has the hosts try the network between them, and judges what was found. It
// changes nothing. A host that cannot be asked is in the report like the others. The error is that of
// the context, or about this program; what is wrong with hosts is in the report.
func (s *Session) Check(ctx context.Context) (hostprep.Report, error) {
	if err := s.probeHosts(ctx, s.reached(), s.probePhase()); err != nil {
		return hostprep.Report{}, err
	}
	if err := s.probeHosts(ctx, s.reached(), s.networkPhase()); err != nil {
		return hostprep.Report{}, err
	}
	return hostprep.Evaluate(&s.cluster, s.hosts), nil
}

// Preflight is [Site.Check], and says what preparing would change on the hosts that pass it.
func (s *Session) Preflight(ctx context.Context) (Preflight, error) {
	if _, err := s.mirrors(); err != nil { // before hosts are asked for anything
		return Preflight{}, err
	}
	report, err := s.Check(ctx)
	if err != nil {
		return Preflight{}, err
	}
	plan, err := s.run(ctx, s.passingHosts(report), true, s.preparePhase(s.renderOnce()), s.encryptionKeyPhase(ctx, nil))
	if err != nil {
		return Preflight{}, err
	}
	found := Preflight{Report: report, Diffs: map[netip.Addr][]workflow.Change{}}
	for i := range report.Hosts {
		host := &report.Hosts[i]
		changes := slices.Concat(plan.Changes(host.Address, PreparePhase), plan.Changes(host.Address, encryptionKeyPhaseName))
		for _, change := range changes {
			host.Changes = append(host.Changes, change.Summary)
			found.Diffs[host.Address] = append(found.Diffs[host.Address], change)
		}
	}
	return found, plan.Err()
}

// Preflight is what is known of the hosts before anything is changed.
type Preflight struct {
	hostprep.Report
	// Diffs are the changes that the report lists, with the differences of files.
	Diffs map[netip.Addr][]workflow.Change
}

// passingHosts are the hosts that answered and on which no check failed.
func (s *Session) passingHosts(report hostprep.Report) []netip.Addr {
	var hosts []netip.Addr
	for _, host := range report.Hosts {
		if host.Count(hostprep.Failed) == 0 && s.index[host.Address].Err == nil {
			hosts = append(hosts, host.Address)
		}
	}
	return hosts
}

// probeHosts runs a phase that only reads on some hosts, and notes which of them do not answer.
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

func (s *Session) probePhase() workflow.Phase {
	return workflow.Phase{
		Name:     "probe",
		Short:    "ask every host what it is like",
		ReadOnly: true,
		Plan: func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
			facts, err := hostprep.Probe(ctx, host)
			s.index[host.Address()].Facts = facts
			return nil, err
		},
	}
}

func (s *Session) networkPhase() workflow.Phase {
	tasks := map[netip.Addr]hostprep.NetworkProbe{}
	for i, task := range hostprep.PlanNetworkProbes(&s.cluster, s.hosts) {
		tasks[s.hosts[i].Address] = task
	}
	return workflow.Phase{
		Name:     "network",
		Short:    "have hosts reach each other, and look for addresses that others have",
		ReadOnly: true,
		Plan: func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
			task := tasks[host.Address()]
			if task.IsEmpty() {
				return nil, nil
			}
			facts, err := hostprep.ProbeNetwork(ctx, host, task)
			s.index[host.Address()].Network = &facts
			return nil, err
		},
	}
}
