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

// DefaultConcurrency is the default of [Runner.Concurrency].
const DefaultConcurrency = 64

// Runner runs phases on hosts.
type Runner struct {
	// Hosts lists all hosts of the run.
	Hosts []netip.Addr
	// Connect returns a connection to a host. It is called for every phase, so that a lost connection does not affect
	// later phases. It must be safe for concurrent use.
	Connect func(ctx context.Context, host netip.Addr) (remote.Host, error)
	// Concurrency is the maximum number of hosts that are worked on at once; zero means [DefaultConcurrency]. Hosts that
	// wait for others do not count.
	Concurrency int
	// Windows bound how many hosts are within several phases at once. They do not apply to a run that only plans.
	Windows []Window
	// PlanOnly plans every phase without changing anything.
	PlanOnly bool
	// Observe receives the events of the run. It is called from many goroutines at once, and may be nil.
	Observe func(Event)
}

// Event reports the progress of a host: the start of a phase, the start of an action, its progress, or the end of a phase.
type Event struct {
	// Host is invalid for events that concern the whole cluster.
	Host  netip.Addr
	Phase string
	// Hosts is the number of hosts that the run takes through the phase; zero for events of no run.
	Hosts int
	// Action is the summary of the action that starts; empty at the start and at the end of a phase.
	Action string
	// Step describes the current step of an action that consists of several, Done is how many of them have finished, and Of
	// how many there are. They are set in events in which a step begins or ends, and only in those.
	Step     string
	Done, Of int
	// Status is the result of the phase; empty before its end.
	Status Status
	// Err is the reason for the status Failed.
	Err error
	// Quiet marks a phase that is shown only if it takes long.
	Quiet bool
}

// Run runs the phases on all hosts, in order on each, and waits until all hosts have finished. It returns an error only if
// the list of phases is invalid; failures on hosts are in the report.
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

// run is the state of one call of Run.
type run struct {
	*Runner
	phases []Phase
	// report has one element per host; each is written only by the goroutine of that host.
	report Report
	// cells is indexed by phase and host.
	cells [][]cell
	// needs lists the dependencies of each phase, as functions that block until the dependency has ended on all of its
	// hosts. They return nil, or an error that names what was not done.
	needs [][]func() error
	// busy is a semaphore with a slot for each host that may be worked on at once.
	busy chan struct{}
	// sizes has the number of hosts of each phase, by its name.
	sizes map[string]int
	// slots holds a semaphore for each phase, with MaxParallel slots; nil if the phase has no limit.
	slots []chan struct{}
	// stays lists the stays of each host in windows.
	stays [][]stay
}

// cell is the state of one phase on one host.
type cell struct {
	// ended is closed when the phase has ended, or was skipped.
	ended chan struct{}
	// done reports whether dependents of the phase may start. It must not be read before ended is closed.
	done bool
}

// newRun prepares the state of a run. It returns an error if a dependency is not an earlier phase, which also rules out
// cycles.
func (r *Runner) newRun(phases []Phase) (*run, error) {
	made := &run{
		Runner: r,
		phases: phases,
		report: Report{Hosts: make([]HostReport, len(r.Hosts))},
		cells:  make([][]cell, len(phases)),
		needs:  make([][]func() error, len(phases)),
		busy:   make(chan struct{}, cmp.Or(r.Concurrency, DefaultConcurrency)),

		sizes: map[string]int{},
		slots: make([]chan struct{}, len(phases)),
		stays: make([][]stay, len(r.Hosts)),
	}
	if !r.PlanOnly {
		var err error
		if made.stays, err = newStays(r.Windows, phases, r.Hosts); err != nil {
			return nil, err
		}
	}
	for i := range phases {
		if phases[i].MaxParallel > 0 {
			made.slots[i] = make(chan struct{}, phases[i].MaxParallel)
		}
		made.cells[i] = make([]cell, len(r.Hosts))
		for j := range made.cells[i] {
			made.cells[i][j].ended = make(chan struct{})
			if phases[i].includes(r.Hosts[j]) {
				made.sizes[phases[i].Name]++
			}
		}
		for _, need := range phases[i].After {
			at := slices.IndexFunc(phases[:i], func(p Phase) bool { return p.Name == need.Phase })
			if at < 0 {
				return nil, fmt.Errorf("cannot run phase %s after %s: that is not an earlier phase", phases[i].Name, need.Phase)
			}
			// All hosts share one wait: it scans every host, which would be quadratic if each host did it.
			made.needs[i] = append(made.needs[i], sync.OnceValue(func() error { return made.await(at, need) }))
		}
	}
	return made, nil
}

// await blocks until a phase has ended on all hosts of a dependency. It returns an error that names the first host on
// which the phase is not done.
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

// host runs all phases on one host. It closes every cell of the host, also after a failure: other hosts wait for them.
func (r *run) host(ctx context.Context, j int) {
	report := &r.report.Hosts[j]
	report.Address = r.Hosts[j]
	var blocked error // why the host cannot go on
	for i := range r.phases {
		cell := &r.cells[i][j]
		if !r.phases[i].includes(report.Address) {
			cell.done = true
			close(cell.ended)
			continue
		}
		phase := PhaseReport{Name: r.phases[i].Name, Status: r.phases[i].initialStatus(), Changes: []string{}}
		if blocked == nil {
			blocked = r.wait(ctx, i, j)
		}
		if blocked != nil {
			phase.Status, phase.Error = NotReached, blocked.Error()
		} else {
			r.phase(ctx, &r.phases[i], report.Address, &phase)
			r.release(i)
		}
		if phase.Status == Failed {
			blocked = fmt.Errorf("%s failed", phase.Name)
		}
		report.Phases = append(report.Phases, phase)
		for k := range r.stays[j] {
			r.stays[j][k].after(i, report.Address, blocked != nil)
		}
		cell.done = blocked == nil
		close(cell.ended)
		r.observe(Event{Host: report.Address, Phase: phase.Name, Status: phase.Status, Err: phase.err})
	}
}

// wait blocks until a host may start a phase, enters the window that begins there, and acquires the slots for the phase.
// The slots of the run come last, so that hosts that wait for anything else do not occupy them. wait returns an error if a
// dependency was not done, if the window is closed, or if the context has ended.
func (r *run) wait(ctx context.Context, phase, host int) error {
	for _, await := range r.needs[phase] {
		if err := await(); err != nil {
			return err
		}
	}
	for k := range r.stays[host] {
		if stay := &r.stays[host][k]; stay.first == phase {
			if err := stay.enter(ctx); err != nil {
				return err
			}
		}
	}
	if slots := r.slots[phase]; slots != nil {
		if err := acquire(ctx, slots); err != nil {
			return err
		}
	}
	err := acquire(ctx, r.busy)
	if err != nil && r.slots[phase] != nil {
		<-r.slots[phase]
	}
	return err
}

// release releases the slots that wait acquired.
func (r *run) release(phase int) {
	<-r.busy
	if r.slots[phase] != nil {
		<-r.slots[phase]
	}
}

// acquire takes a slot of a semaphore. It returns an error, and takes none, if the context ends first.
func acquire(ctx context.Context, slots chan struct{}) error {
	select {
	case <-ctx.Done():
	case slots <- struct{}{}:
		// select chooses at random if both are ready; an ended context must start nothing more.
		if ctx.Err() == nil {
			return nil
		}
		<-slots
	}
	return context.Cause(ctx)
}

// phase plans one phase on one host and, unless the run only plans, does the actions. A lost connection is tried once more
// while planning, but not during actions: they may have taken effect in part.
func (r *run) phase(ctx context.Context, phase *Phase, address netip.Addr, report *PhaseReport) {
	began := time.Now()
	r.observe(Event{Host: address, Phase: phase.Name, Hosts: r.sizes[phase.Name]})
	host, actions, err := r.plan(ctx, phase, address)
	if errors.Is(err, remote.ErrConnectionLost) && ctx.Err() == nil {
		host, actions, err = r.plan(ctx, phase, address) // planning only reads, so a retry is safe
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

// plan connects to a host and plans the phase on it. The plan gets a host that it cannot change.
func (r *run) plan(ctx context.Context, phase *Phase, address netip.Addr) (remote.Host, []Action, error) {
	host, err := r.Connect(ctx, address)
	if err != nil {
		return nil, nil, err
	}
	actions, err := phase.Plan(ctx, remote.ReadOnly(host))
	return host, actions, err
}

// do does the actions in order until one fails. The status becomes Changed with the first action.
func (r *run) do(ctx context.Context, actions []Action, host remote.Host, report *PhaseReport) error {
	for _, action := range actions {
		report.Status = Changed
		report.add(action)
		r.observe(Event{Host: host.Address(), Phase: report.Name, Action: action.Summary})
		if err := action.Do(r.withSteps(ctx, host, report.Name), host); err != nil {
			return fmt.Errorf("cannot %s: %w", action.Summary, err)
		}
	}
	return nil
}

// observe passes an event to the observer, if there is one.
func (r *run) observe(event Event) {
	if r.Observe != nil {
		r.Observe(event)
	}
}
