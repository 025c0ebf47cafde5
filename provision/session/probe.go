package session

import (
	"context"
	"errors"
	"net/netip"

	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// ProbePhases returns the phases of [Session.CheckHosts], for documentation.
func ProbePhases(s *Session) []workflow.Phase {
	return []workflow.Phase{probePhase(s), networkPhase(s)}
}

// CheckHosts probes every host, probes the network between the hosts, and evaluates the results. It changes nothing. Problems of
// hosts are in the report, also that a host cannot be reached; the error is for a cancelled context or a defect of this
// program.
func (s *Session) CheckHosts(ctx context.Context) (check.Report, error) {
	if err := s.Probe(ctx, s.Reached()); err != nil {
		return check.Report{}, err
	}
	// The hosts that did not answer the first probe are left out of the second.
	if err := probe(ctx, s, s.Reached(), networkPhase(s)); err != nil {
		return check.Report{}, err
	}
	return check.Evaluate(&s.Cluster, s.Hosts), nil
}

// Probe reads the facts of some hosts, and records in Err which of them failed. It returns an error only if the context has
// ended.
func (s *Session) Probe(ctx context.Context, hosts []netip.Addr) error {
	return probe(ctx, s, hosts, probePhase(s))
}

// probe runs a read-only phase on some hosts, and records in Err which of them failed. It returns an error only if the
// context has ended.
func probe(ctx context.Context, s *Session, hosts []netip.Addr, phase workflow.Phase) error {
	report, err := s.Run(ctx, hosts, phase)
	if err != nil {
		return err
	}
	for _, host := range report.Hosts {
		s.Host(host.Address).Err = host.Err()
	}
	return ctx.Err()
}

// probePhase returns the phase that reads the facts of a host. Each host writes only its own element of s.Hosts, so no lock
// is needed.
func probePhase(s *Session) workflow.Phase {
	return workflow.Phase{
		Name:     "probe",
		Short:    "read the facts of every host",
		ReadOnly: true,
		Plan: func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
			known, err := facts.Probe(ctx, host)
			s.Host(host.Address()).Facts = known
			return nil, err
		},
	}
}

// networkPhase returns the phase in which hosts probe each other. It needs the facts of all hosts, such as their
// interfaces, so it must be created after probePhase has run.
func networkPhase(s *Session) workflow.Phase {
	tasks := map[netip.Addr]facts.NetworkProbe{}
	for i, task := range check.PlanNetworkProbes(&s.Cluster, s.Hosts) {
		tasks[s.Hosts[i].Address] = task
	}
	return workflow.Phase{
		Name:     "network",
		Short:    "probe the network between hosts, and look for addresses that are in use",
		ReadOnly: true,
		Plan: func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
			if known := s.Host(host.Address()); known.ControlPlane {
				known.NoForwarding = noForwarding(ctx, s, host.Address())
			}
			task := tasks[host.Address()]
			if task.IsEmpty() { // saves a round trip
				return nil, nil
			}
			network, err := facts.ProbeNetwork(ctx, host, task)
			s.Host(host.Address()).Network = &network
			return nil, err
		},
	}
}

// noForwarding returns the error of a host whose SSH server refuses to forward a connection to the API server, and nil for
// other hosts, also if no API server runs.
func noForwarding(ctx context.Context, s *Session, host netip.Addr) error {
	conn, err := s.API.dialHost(ctx, host)
	switch {
	case errors.Is(err, remote.ErrProtocol):
		return err
	case err == nil:
		conn.Close()
	}
	return nil
}
