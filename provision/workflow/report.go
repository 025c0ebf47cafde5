package workflow

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Status is the result of a phase on a host.
type Status string

// The values of Status. They are part of the JSON report.
const (
	// Done means that a read-only phase succeeded.
	Done Status = "done"
	// Unchanged means that the host was in the desired state already.
	Unchanged Status = "unchanged"
	// Planned means that the host needs changes, in a run that only plans.
	Planned Status = "planned"
	// Changed means that the host was changed.
	Changed Status = "changed"
	// Failed means that the host could not be read or changed.
	Failed Status = "failed"
	// NotReached means that the phase did not start, because an earlier phase or a dependency failed.
	NotReached Status = "not-reached"
)

// Report describes the result of a run. Hosts are in the order of [Runner.Hosts], their phases in the order of the run.
type Report struct {
	Hosts []HostReport `json:"hosts"`
}

// HostReport describes the result of a run on one host. Phases in which the host does not take part are left out.
type HostReport struct {
	Address netip.Addr    `json:"address"`
	Phases  []PhaseReport `json:"phases"`
}

// PhaseReport describes the result of one phase on one host.
type PhaseReport struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Seconds does not include the time that the phase waited for other hosts.
	Seconds float64 `json:"seconds"`
	// Changes lists the summaries of the changes that were made or, in a run that only plans, are needed. If the phase
	// failed, it lists the changes that were started.
	Changes []string `json:"changes"`
	// Error is the reason why the phase failed, or the dependency because of which it was not reached.
	Error string `json:"error,omitempty"`

	changes []Change
	err     error // the error behind Error if the phase failed
}

// Error is the failure of a phase on a host.
type Error struct {
	Host  netip.Addr
	Phase string
	Err   error
}

// Error implements error. The errors of phases do not name the host, so that it appears once.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %v", e.Host, e.Phase, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Err returns the failures of all hosts, joined in the order of the hosts, or nil if nothing failed. Each failure appears
// once: phases that were not reached because of it are left out.
func (r *Report) Err() error {
	var failures []error
	for i := range r.Hosts {
		if failed := r.Hosts[i].failed(); failed != nil {
			failures = append(failures, &Error{Host: r.Hosts[i].Address, Phase: failed.Name, Err: failed.err})
		}
	}
	return errors.Join(failures...)
}

// Err returns the error of the phase that failed on the host, or nil if none did.
func (h *HostReport) Err() error {
	if failed := h.failed(); failed != nil {
		return failed.err
	}
	return nil
}

// failed returns the phase that failed, or nil. At most one did, because a failure ends the host's run.
func (h *HostReport) failed() *PhaseReport {
	for i := range h.Phases {
		if h.Phases[i].Status == Failed {
			return &h.Phases[i]
		}
	}
	return nil
}

// Changes returns the changes that a phase has made on a host or, in a run that only plans, would make.
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

// plan records actions that a run only plans.
func (p *PhaseReport) plan(actions []Action) {
	for _, action := range actions {
		p.Status = Planned
		p.add(action)
	}
}

// add records the changes of an action, before it is done: if it fails, the report shows what it may have changed.
func (p *PhaseReport) add(action Action) {
	for _, change := range action.changes() {
		p.changes = append(p.changes, change)
		p.Changes = append(p.Changes, change.Summary)
	}
}

// end records the duration, and the error if there is one.
func (p *PhaseReport) end(began time.Time, err error) {
	p.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	if err != nil {
		p.Status, p.err, p.Error = Failed, err, err.Error()
	}
}
