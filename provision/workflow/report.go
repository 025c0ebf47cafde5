package workflow

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Status is how a phase ended on a host.
type Status string

// The ways a phase ends.
const (
	// Done is a phase that only reads.
	Done Status = "done"
	// Unchanged is a host that was as it should be.
	Unchanged Status = "unchanged"
	// Planned is a host that has to change, in a run that only plans.
	Planned Status = "planned"
	// Changed is a host that was changed.
	Changed Status = "changed"
	// Failed is a host that could not be read or changed.
	Failed Status = "failed"
	// NotReached is a phase that did not begin, because something before it failed.
	NotReached Status = "not-reached"
)

// Report says what a run did. Hosts are in the order given, phases in theirs.
type Report struct {
	Hosts []HostReport `json:"hosts"`
}

// HostReport is what a run did on one host.
type HostReport struct {
	Address netip.Addr    `json:"address"`
	Phases  []PhaseReport `json:"phases"`
}

// PhaseReport is what one phase did on one host.
type PhaseReport struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Seconds is without the time that the phase waited for other hosts.
	Seconds float64 `json:"seconds"`
	// Changes are the summaries of what was changed or, in a run that only plans, would be; where the
	// phase failed, of what was begun.
	Changes []string `json:"changes"`
	// Error is why it failed, or what was not done that it waited for.
	Error string `json:"error,omitempty"`

	changes []Change
	err     error
}

// Error is what failed on one host.
type Error struct {
	Host  netip.Addr
	Phase string
	Err   error
}

// Error implements error. It is where the host is named, once.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %v", e.Host, e.Phase, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Err joins what failed, in the order of the hosts: every failure once, and not what was not reached
// because of one. It is nil when nothing failed.
func (r *Report) Err() error {
	var failures []error
	for i := range r.Hosts {
		if failed := r.Hosts[i].failed(); failed != nil {
			failures = append(failures, &Error{Host: r.Hosts[i].Address, Phase: failed.Name, Err: failed.err})
		}
	}
	return errors.Join(failures...)
}

// Err is why the host went no further; nil when nothing failed on it.
func (h *HostReport) Err() error {
	if failed := h.failed(); failed != nil {
		return failed.err
	}
	return nil
}

// failed is the phase that failed: there is one at most, because the host goes no further.
func (h *HostReport) failed() *PhaseReport {
	for i := range h.Phases {
		if h.Phases[i].Status == Failed {
			return &h.Phases[i]
		}
	}
	return nil
}

// Changes gives what a phase has changed on a host or would change.
func (r *Report) Changes(host netip.Addr, phase string) []Change {
	for i := range r.Hosts {
		if r.Hosts[i].Address != host {
			continue
		}
		for j := range r.Hosts[i].Phases {
			if found := &r.Hosts[i].Phases[j]; found.Name == phase {
				return found.changes
			}
		}
	}
	return nil
}

// plan notes what would be changed.
func (p *PhaseReport) plan(actions []Action) {
	for _, action := range actions {
		p.Status = Planned
		p.add(action)
	}
}

func (p *PhaseReport) add(action Action) {
	for _, change := range action.changes() {
		p.changes = append(p.changes, change)
		p.Changes = append(p.Changes, change.Summary)
	}
}

func (p *PhaseReport) end(began time.Time, err error) {
	p.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	if err != nil {
		p.Status, p.err, p.Error = Failed, err, err.Error()
	}
}
