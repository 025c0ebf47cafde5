package workflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// DefaultConcurrency is how many hosts are worked on at once.
const DefaultConcurrency = 64

// Runner carries phases out.
type Runner struct {
	// Hosts are all hosts of the run.
	Hosts []netip.Addr
	// Connect gives a host, connected. It is called for every phase, so that a connection that was lost
	// in one is no obstacle to the same phase of the next run.
	Connect func(ctx context.Context, host netip.Addr) (remote.Host, error)
	// Concurrency bounds how many hosts are worked on at once; [DefaultConcurrency] when zero. Hosts
	// that wait for others do not count.
	Concurrency int
	// PlanOnly plans every phase and changes nothing.
	PlanOnly bool
	// Observe is told what happens as it happens, from many goroutines; it may be nil.
	Observe func(Event)
}

// Event is something that happens to a host.
type Event struct {
	// Host is invalid for what is about all of them together.
	Host  netip.Addr
	Phase string
	// Action is the summary of the action that begins; empty at the beginning and end of a phase.
	Action string
	// Status is how the phase ended; empty before.
	Status Status
	// Err is why it failed.
	Err error
	// Quiet says that it is of interest only while it takes long.
	Quiet bool
}

// Run carries the phases out, in order on every host, and reports what happened. The error is about
// the list of phases itself; what fails on hosts is in the report.
func (r *Runner) Run(ctx context.Context, phases []Phase) (*Report, error) {
	run, err := r.newRun(phases)
	if err != nil {
		return nil, err
	}
	var hosts sync.WaitGroup
	for i := range r.Hosts {
		hosts.Go(func() { run.host(ctx, i) })
	}
	hosts.Wait()
	return &run.report, nil
}

// run is one call of Run.
type run struct {
	*Runner
	phases []Phase
	report Report
	// cells are one for each phase and host.
	cells [][]cell
	// needs are what each phase waits for: each gives nil, or what was not done.
	needs [][]func() error
	// busy has room for the hosts that are worked on.
	busy chan struct{}
	// windows have room for the hosts that are in a phase, nil where it has no bound of its own.
	windows []chan struct{}
}

// cell is one phase on one host.
type cell struct {
	// ended is closed when there is nothing more to wait for.
	ended chan struct{}
	// done reports, from then on, whether what waits for the phase may begin.
	done bool
}

func (r *Runner) newRun(phases []Phase) (*run, error) {
	made := &run{
		Runner: r,
		phases: phases,
		report: Report{Hosts: make([]HostReport, len(r.Hosts))},
		cells:  make([][]cell, len(phases)),
		needs:  make([][]func() error, len(phases)),
		busy:   make(chan struct{}, cmp.Or(r.Concurrency, DefaultConcurrency)),

		windows: make([]chan struct{}, len(phases)),
	}
	for i := range phases {
		if phases[i].MaxParallel > 0 {
			made.windows[i] = make(chan struct{}, phases[i].MaxParallel)
		}
		made.cells[i] = make([]cell, len(r.Hosts))
		for j := range made.cells[i] {
			made.cells[i][j].ended = make(chan struct{})
		}
		for _, need := range phases[i].After {
			at := slices.IndexFunc(phases[:i], func(p Phase) bool { return p.Name == need.Phase })
			if at < 0 {
				return nil, fmt.Errorf("cannot run phase %s after %s: that is no earlier phase", phases[i].Name, need.Phase)
			}
			made.needs[i] = append(made.needs[i], sync.OnceValue(func() error { return made.await(at, need) }))
		}
	}
	return made, nil
}

// await blocks until a phase has ended on all hosts that a need concerns.
func (r *run) await(phase int, need Dependency) error {
	for j := range r.Hosts {
		if !need.includes(r.Hosts[j]) {
			continue
		}
		cell := &r.cells[phase][j]
		if <-cell.ended; !cell.done {
			return fmt.Errorf("%s is not done on %s", need.Phase, r.Hosts[j])
		}
	}
	return nil
}

// host takes one host through all phases.
func (r *run) host(ctx context.Context, j int) {
	report := &r.report.Hosts[j]
	report.Address = r.Hosts[j]
	var obstacle error
	for i := range r.phases {
		cell := &r.cells[i][j]
		if !r.phases[i].includes(report.Address) {
			cell.done = true
			close(cell.ended)
			continue
		}
		phase := PhaseReport{Name: r.phases[i].Name, Status: r.phases[i].initialStatus(), Changes: []string{}}
		if obstacle == nil {
			obstacle = r.wait(ctx, i)
		}
		if obstacle != nil {
			phase.Status, phase.Error = NotReached, obstacle.Error()
		} else {
			r.phase(ctx, &r.phases[i], report.Address, &phase)
			r.leave(i)
		}
		if phase.Status == Failed {
			obstacle = fmt.Errorf("%s failed", phase.Name)
		}
		report.Phases = append(report.Phases, phase)
		cell.done = obstacle == nil
		close(cell.ended)
		r.observe(Event{Host: report.Address, Phase: phase.Name, Status: phase.Status, Err: phase.err})
	}
}

// wait blocks until a phase may begin, and takes a place for it: in the phase's own window first, so
// that who waits for that keeps nobody from working. An error says why it never may.
func (r *run) wait(ctx context.Context, phase int) error {
	for _, met := range r.needs[phase] {
		if err := met(); err != nil {
			return err
		}
	}
	if window := r.windows[phase]; window != nil {
		if err := enter(ctx, window); err != nil {
			return err
		}
	}
	err := enter(ctx, r.busy)
	if err != nil && r.windows[phase] != nil {
		<-r.windows[phase]
	}
	return err
}

// leave gives back what wait took.
func (r *run) leave(phase int) {
	<-r.busy
	if r.windows[phase] != nil {
		<-r.windows[phase]
	}
}

// enter takes a place, unless the context ends before.
func enter(ctx context.Context, places chan struct{}) error {
	select {
	case <-ctx.Done():
	case places <- struct{}{}:
		if ctx.Err() == nil {
			return nil
		}
		<-places
	}
	return context.Cause(ctx)
}

// phase plans one phase on one host and does what is planned.
func (r *run) phase(ctx context.Context, phase *Phase, address netip.Addr, report *PhaseReport) {
	began := time.Now()
	r.observe(Event{Host: address, Phase: phase.Name})
	host, actions, err := r.plan(ctx, phase, address)
	if errors.Is(err, remote.ErrConnectionLost) && ctx.Err() == nil {
		host, actions, err = r.plan(ctx, phase, address) // it has only read: once more does no harm
	}
	if err != nil {
		report.end(began, err)
		return
	}
	if r.PlanOnly {
		report.plan(actions)
	} else {
		err = r.do(ctx, actions, host, report)
	}
	report.end(began, err)
}

// plan connects to a host and has the phase look at it.
func (r *run) plan(ctx context.Context, phase *Phase, address netip.Addr) (remote.Host, []Action, error) {
	host, err := r.Connect(ctx, address)
	if err != nil {
		return nil, nil, err
	}
	actions, err := phase.Plan(ctx, remote.ReadOnly(host))
	return host, actions, err
}

// do makes changes, one after the other, until one fails.
func (r *run) do(ctx context.Context, actions []Action, host remote.Host, report *PhaseReport) error {
	for _, action := range actions {
		report.Status = Changed
		report.add(action)
		r.observe(Event{Host: host.Address(), Phase: report.Name, Action: action.Summary})
		if err := action.Do(ctx, host); err != nil {
			return fmt.Errorf("cannot %s: %w", action.Summary, err)
		}
	}
	return nil
}

func (r *run) observe(event Event) {
	if r.Observe != nil {
		r.Observe(event)
	}
}
