package reset

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
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// Options configure [Run].
type Options struct {
	// Nodes lists the addresses of the nodes to remove from the cluster; empty resets the whole cluster.
	Nodes []netip.Addr
	// Force skips draining and the check of etcd's quorum, and continues if the cluster's API or etcd cannot be reached.
	Force bool
	// DrainTimeout is how long the eviction of a node's pods may take.
	DrainTimeout time.Duration
}

// wholeCluster reports whether all hosts are reset.
func (o *Options) wholeCluster() bool { return len(o.Nodes) == 0 }

// Outcome is the result of [Run].
type Outcome struct {
	// Unreachable lists the hosts that could not be reached. Nothing was changed on them.
	Unreachable []UnreachableHost
	// Notes lists the steps that failed and were skipped because of Force.
	Notes []string
	// Run lists the changes by host and phase; nil if the run ended before its phases started.
	Run *workflow.Report
}

// UnreachableHost is a host that could not be reached, with the reason.
type UnreachableHost struct {
	Address netip.Addr `json:"address"`
	Error   string     `json:"error"`
}

// UnknownNodesError reports nodes that are not in the manifests.
type UnknownNodesError struct {
	// Unknown lists the nodes that are not in the manifests, Known all nodes that are.
	Unknown, Known []netip.Addr
}

// Error implements error.
func (e *UnknownNodesError) Error() string {
	return fmt.Sprintf("no node of the manifests has the address %s; they have %s", formatAddresses(e.Unknown), formatAddresses(e.Known))
}

// formatAddresses joins addresses with commas.
func formatAddresses(addresses []netip.Addr) string {
	words := make([]string, len(addresses))
	for i, address := range addresses {
		words[i] = address.String()
	}
	return strings.Join(words, ", ")
}

// run is the state of one call of [Run].
type run struct {
	s       *session.Session
	options Options
	// targets lists the hosts to reset.
	targets []netip.Addr

	mu    sync.Mutex // guards notes
	notes []string
}

// Targets returns the addresses of the hosts that a reset concerns, in the order of the manifests. The error is an
// [UnknownNodesError], or a [refusal.Error] if no control plane node would remain although other nodes do.
func Targets(cfg *api.Config, options Options) ([]netip.Addr, error) {
	var all, targets []netip.Addr
	remaining := 0 // control plane nodes
	for _, host := range session.CheckedHosts(cfg) {
		all = append(all, host.Address)
		switch {
		case options.wholeCluster(), slices.Contains(options.Nodes, host.Address):
			targets = append(targets, host.Address)
		case host.ControlPlane:
			remaining++
		}
	}
	unknown := slices.DeleteFunc(slices.Clone(options.Nodes), func(a netip.Addr) bool { return slices.Contains(all, a) })
	if len(unknown) > 0 {
		return nil, &UnknownNodesError{Unknown: unknown, Known: all}
	}
	if remaining == 0 && !options.wholeCluster() {
		return nil, refusal.Because("no control plane node would be left of the cluster; to reset all of it: dualstrap reset cluster")
	}
	return targets, nil
}

// Run reverts what create did on hosts: on all of them, or on some nodes, which it drains and removes from the cluster first.
// It leaves hosts alone that dualstrap did not change, so it can be interrupted anywhere and run again.
//
// Hosts that cannot be reached do not stop the reset of the others; the error names them. The outcome is valid also if
// there is an error.
func Run(ctx context.Context, s *session.Session, options Options) (Outcome, error) {
	targets, err := Targets(s.Config, options)
	if err != nil {
		return Outcome{}, err
	}
	r := &run{s: s, options: options, targets: targets}
	release, err := s.Lock(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer release()
	if err := r.probe(ctx); err != nil {
		return Outcome{}, err
	}
	if err := s.RefuseForeign(); err != nil {
		return Outcome{}, err
	}
	return r.execute(ctx)
}

// execute resets the hosts that answered, and returns an error for each that did not. With Force it also removes the nodes
// of those from the cluster.
func (r *run) execute(ctx context.Context) (Outcome, error) {
	var outcome Outcome
	var reached, lost []netip.Addr
	var failures []error
	for _, address := range r.targets {
		err := r.s.Host(address).Err
		if err == nil {
			reached = append(reached, address)
			continue
		}
		lost = append(lost, address)
		outcome.Unreachable = append(outcome.Unreachable, UnreachableHost{Address: address, Error: err.Error()})
		failures = append(failures, fmt.Errorf("%s was not reset: %w", address, err))
	}
	// This is the last chance to refuse: the phases below change hosts.
	if err := r.checkQuorum(ctx); err != nil {
		return outcome, errors.Join(append(failures, err)...)
	}
	var err error
	if outcome.Run, err = r.s.Run(ctx, reached, r.phases()...); err != nil {
		return outcome, err
	}
	// After a reset of the whole cluster there is nothing left to remove the lost nodes from.
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

// probe probes the hosts to reset and the control plane hosts that remain, through which the cluster is reached. It also
// keeps the run from using the API servers of the hosts to reset.
func (r *run) probe(ctx context.Context) error {
	asked := slices.Clone(r.targets)
	if !r.options.wholeCluster() {
		r.s.API.Leave(r.targets)
		for _, address := range r.s.API.Remaining() {
			if !slices.Contains(asked, address) {
				asked = append(asked, address)
			}
		}
	}
	return r.s.Probe(ctx, asked)
}

// note records a step that failed and was skipped because of Force.
func (r *run) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}
