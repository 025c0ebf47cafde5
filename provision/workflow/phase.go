package workflow

import (
	"context"
	"net/netip"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// Phase is one named step of a workflow. It is safe to run again.
type Phase struct {
	// Name is stable, in words joined by dashes: it stands before log lines and in reports.
	Name string
	// Short is one line for help, in the imperative.
	Short string
	// Hosts reports whether a host takes part; on all by default.
	Hosts func(host netip.Addr) bool
	// After are the phases that must be done first, beside the earlier ones on the same host.
	After []Dependency
	// MaxParallel bounds how many hosts are in the phase at once; zero leaves it to the runner.
	MaxParallel int
	// ReadOnly says that the phase never changes anything, so that people are not told "unchanged".
	ReadOnly bool
	// Plan looks at a host and says what must change there: nothing when the host is as it should be.
	Plan func(ctx context.Context, host remote.Reader) ([]Action, error)
}

// Dependency is a phase that has to be done on other hosts.
type Dependency struct {
	// Phase is its name; it stands earlier in the list.
	Phase string
	// Hosts are the hosts; all by default.
	Hosts func(host netip.Addr) bool
}

// Action is something to do on one host: plain data until it is done.
type Action struct {
	// Summary is one line in the imperative: "write /etc/sysctl.d/90-dualstrap.conf".
	Summary string
	// Changes are the single changes of an action that makes several at once.
	Changes []Change
	// Do does it. It can be called again when it failed.
	Do func(ctx context.Context, host remote.Host) error
}

// Change is one thing that will be different on a host.
type Change struct {
	// Summary is one line in the imperative.
	Summary string
	// Diff shows the change of a text file as a unified diff, for those who ask for it; nil for other changes,
	// and where the text is secret.
	Diff func() string
}

// changes are those of the action, or the action itself.
func (a *Action) changes() []Change {
	if len(a.Changes) > 0 {
		return a.Changes
	}
	return []Change{{Summary: a.Summary}}
}

func (p *Phase) includes(host netip.Addr) bool { return p.Hosts == nil || p.Hosts(host) }

func (n *Dependency) includes(host netip.Addr) bool { return n.Hosts == nil || n.Hosts(host) }

// initialStatus is how the phase ends on a host that it did not have to change.
func (p *Phase) initialStatus() Status {
	if p.ReadOnly {
		return Done
	}
	return Unchanged
}
