package workflow

import (
	"context"
	"net/netip"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// Phase is a named step of a workflow. It is idempotent.
type Phase struct {
	// Name is words joined by dashes. It is stable, because it appears in logs and in reports.
	Name string
	// Short is one line of help, in the imperative.
	Short string
	// Hosts reports whether a host takes part in the phase; nil selects all hosts.
	Hosts func(host netip.Addr) bool
	// After lists the phases that must be done first, in addition to the earlier phases on the same host.
	After []Dependency
	// MaxParallel is the maximum number of hosts that are in the phase at once; zero means no limit beside
	// [Runner.Concurrency].
	MaxParallel int
	// ReadOnly marks a phase that never changes anything. Its status is Done, because Unchanged would suggest that it
	// could have changed something.
	ReadOnly bool
	Plan     PlanFunc
}

// PlanFunc reads a host and returns the changes that it needs, or none if it is in the desired state. It may be called twice
// if the connection is lost.
type PlanFunc func(ctx context.Context, host remote.Reader) ([]Action, error)

// Dependency is a phase that must be done on other hosts first.
type Dependency struct {
	// Phase is the name of a phase that is earlier in the list.
	Phase string
	// Hosts reports whether the phase must be done on a host; nil selects all hosts. Hosts that do not take part in the
	// phase count as done.
	Hosts func(host netip.Addr) bool
}

// Action is an operation on one host. It has no effect until Do is called.
type Action struct {
	// Summary is one line in the imperative: "write /etc/sysctl.d/90-dualstrap.conf".
	Summary string
	// Changes lists the individual changes of an action that makes several; empty for an action that Summary describes
	// completely.
	Changes []Change
	// Do performs the action. It is idempotent: a later run calls it again after a failure.
	Do func(ctx context.Context, host remote.Host) error
}

// Change describes one difference between the current and the desired state of a host.
type Change struct {
	// Summary is one line in the imperative.
	Summary string
	// Diff returns the change of a text file as a unified diff. It is a function because most runs do not show diffs. It
	// is nil for other changes, and for files that hold secrets.
	Diff func() string
}

// changes returns the changes of the action. An action without any is a change itself.
func (a *Action) changes() []Change {
	if len(a.Changes) > 0 {
		return a.Changes
	}
	return []Change{{Summary: a.Summary}}
}

// includes reports whether a host takes part in the phase.
func (p *Phase) includes(host netip.Addr) bool { return p.Hosts == nil || p.Hosts(host) }

// includes reports whether the phase must be done on a host.
func (n *Dependency) includes(host netip.Addr) bool { return n.Hosts == nil || n.Hosts(host) }

// initialStatus returns the status of the phase on a host that it does not change.
func (p *Phase) initialStatus() Status {
	if p.ReadOnly {
		return Done
	}
	return Unchanged
}
