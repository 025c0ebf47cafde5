package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// ResetOptions say what is reset, and how.
type ResetOptions struct {
	// Nodes are taken out of the cluster; without any, there is no cluster afterwards.
	Nodes []netip.Addr
	// Force does not drain nodes, does not mind etcd's quorum, and goes on where the cluster cannot be
	// asked.
	Force bool
	// DrainTimeout is how long a node's pods may take to leave.
	DrainTimeout time.Duration
}

// wholeCluster reports whether nothing is to be left.
func (o *ResetOptions) wholeCluster() bool { return len(o.Nodes) == 0 }

// ResetOutcome is what taking back came to.
type ResetOutcome struct {
	// Unreachable are the hosts that could not be asked: nothing was changed there.
	Unreachable []UnreachableHost
	// Notes are what was left undone because it was forced.
	Notes []string
	// Run is what was done, phase by phase; nil when it was not come to.
	Run *workflow.Report
}

// UnreachableHost is one that could not be asked.
type UnreachableHost struct {
	Address netip.Addr `json:"address"`
	Error   string     `json:"error"`
}

// UnknownNodesError says that there are no such nodes in the manifests.
type UnknownNodesError struct{ Unknown, Known []netip.Addr }

// Error implements error.
func (e *UnknownNodesError) Error() string {
	return fmt.Sprintf("no node of the manifests has the address %s; they have %s", formatAddresses(e.Unknown), formatAddresses(e.Known))
}

func formatAddresses(addresses []netip.Addr) string {
	words := make([]string, len(addresses))
	for i, address := range addresses {
		words[i] = address.String()
	}
	return strings.Join(words, ", ")
}

// resetRun is one run of Reset.
type resetRun struct {
	*Session
	options ResetOptions
	// targets are the hosts that are reset.
	targets []netip.Addr

	mu    sync.Mutex
	notes []string
}

// ResetTargets are the hosts that a reset is about, in the order of the manifests. The error is an
// [UnknownNodesError], or a [RefusedError] where the cluster would lose its whole control plane.
func ResetTargets(cfg *api.Config, options ResetOptions) ([]netip.Addr, error) {
	var all, targets []netip.Addr
	staying := 0
	for _, host := range hostprepHosts(cfg) {
		all = append(all, host.Address)
		switch {
		case options.wholeCluster(), slices.Contains(options.Nodes, host.Address):
			targets = append(targets, host.Address)
		case host.ControlPlane:
			staying++
		}
	}
	unknown := slices.DeleteFunc(slices.Clone(options.Nodes), func(a netip.Addr) bool { return slices.Contains(all, a) })
	if len(unknown) > 0 {
		return nil, &UnknownNodesError{Unknown: unknown, Known: all}
	}
	if staying == 0 && !options.wholeCluster() {
		return nil, &RefusedError{Reasons: []string{
			"no control plane node would be left of the cluster; to take back all of it: dualstrap reset cluster",
		}}
	}
	return targets, nil
}

// Reset takes back on hosts what [Site.Create] did there: of the whole cluster, or of some nodes, which are
// drained and taken out of it first. A host on which nothing was done stays as it is, so that it can be cut
// off anywhere and run again. Hosts that cannot be reached are named in the end. The outcome is of use also
// where there is an error.
func (s *Session) Reset(ctx context.Context, options ResetOptions) (ResetOutcome, error) {
	targets, err := ResetTargets(s.loaded.Config, options)
	if err != nil {
		return ResetOutcome{}, err
	}
	r := &resetRun{Session: s, options: options, targets: targets}
	release, err := s.lock(ctx)
	if err != nil {
		return ResetOutcome{}, err
	}
	defer release()
	if err := r.probe(ctx); err != nil {
		return ResetOutcome{}, err
	}
	if err := s.refusal(); err != nil {
		return ResetOutcome{}, err
	}
	return r.execute(ctx)
}

// execute resets the hosts that have answered, and says which have not.
func (r *resetRun) execute(ctx context.Context) (ResetOutcome, error) {
	var outcome ResetOutcome
	var reached, lost []netip.Addr
	var failures []error
	for _, address := range r.targets {
		err := r.index[address].Err
		if err == nil {
			reached = append(reached, address)
			continue
		}
		lost = append(lost, address)
		outcome.Unreachable = append(outcome.Unreachable, UnreachableHost{Address: address, Error: err.Error()})
		failures = append(failures, fmt.Errorf("%s was not reset: %w", address, err))
	}
	if err := r.checkQuorum(ctx); err != nil {
		return outcome, errors.Join(append(failures, err)...)
	}
	var err error
	if outcome.Run, err = r.run(ctx, reached, false, r.phases()...); err != nil {
		return outcome, err
	}
	if r.options.Force && !r.options.wholeCluster() && len(lost) > 0 {
		abandoned, err := r.removeUnreachable(ctx, lost)
		if err != nil {
			return outcome, err
		}
		outcome.Run.Hosts = append(outcome.Run.Hosts, abandoned.Hosts...)
	}
	outcome.Notes = r.notes
	return outcome, errors.Join(append(failures, outcome.Run.Err(), ctx.Err())...)
}

// probe asks the hosts what they are: those that are reset, and those of the control plane, through which
// the cluster is asked.
func (r *resetRun) probe(ctx context.Context) error {
	asked := slices.Clone(r.targets)
	if !r.options.wholeCluster() {
		r.api.leaving = map[netip.Addr]bool{}
		for _, address := range r.targets {
			r.api.leaving[address] = true
		}
		for _, address := range r.api.remaining() {
			if !slices.Contains(asked, address) {
				asked = append(asked, address)
			}
		}
	}
	return r.probeHosts(ctx, asked, r.probePhase())
}

// note keeps what was left undone because it was forced.
func (r *resetRun) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}
