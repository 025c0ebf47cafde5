package workflow_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// away counts the hosts that are between two phases, by group.
type away struct {
	group func(netip.Addr) string

	mu        sync.Mutex
	now, most map[string]int
	all       map[netip.Addr]bool
}

// newAway returns a counter for hosts in groups.
func newAway(group func(netip.Addr) string) *away {
	return &away{group: group, now: map[string]int{}, most: map[string]int{}, all: map[netip.Addr]bool{}}
}

// phase returns a phase that adds to the count, and fails on some hosts.
func (a *away) phase(name string, add int, failing ...string) workflow.Phase {
	return workflow.Phase{Name: name, Plan: func(context.Context, remote.Reader) ([]workflow.Action, error) {
		return []workflow.Action{{Summary: name, Do: func(_ context.Context, host remote.Host) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			group := a.group(host.Address())
			a.now[group] += add
			a.most[group] = max(a.most[group], a.now[group])
			a.all[host.Address()] = true
			for _, fails := range failing {
				if fails == host.Address().String() {
					return errors.New("broken")
				}
			}
			return nil
		}}}, nil
	}}
}

// oddEven groups hosts by their last byte.
func oddEven(host netip.Addr) string {
	if host.As4()[3]%2 == 0 {
		return "even"
	}
	return "odd"
}

// oneGroup puts all hosts into one group.
func oneGroup(netip.Addr) string { return "" }

func TestWindowSpansPhases(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		window workflow.Window
		want   int
	}{
		"one at a time by default":  {workflow.Window{}, 1},
		"several":                   {workflow.Window{AtOnce: 3}, 3},
		"some have to stay":         {workflow.Window{AtOnce: 3, Keep: 3}, 2},
		"more than there are hosts": {workflow.Window{AtOnce: 100}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counter := newAway(oddEven)
			tc.window.From, tc.window.To, tc.window.Group = "drain", "uncordon", oddEven
			f := newFleet(10)
			r := f.runner()
			r.Windows = []workflow.Window{tc.window}
			report := run(t, r, counter.phase("check", 0), counter.phase("drain", 1), counter.phase("swap", 0), counter.phase("uncordon", -1),
				counter.phase("prove", 0))
			if err := report.Err(); err != nil {
				t.Fatal(err)
			}
			for _, group := range []string{"odd", "even"} {
				if counter.most[group] > tc.want || counter.most[group] < 1 || counter.now[group] != 0 {
					t.Errorf("%s: %d hosts are away at once, and %d stay away", group, counter.most[group], counter.now[group])
				}
			}
		})
	}
}

// TestWindowClosesAfterFailures lets a host fail while it is away: the other group goes on, its own does not.
func TestWindowClosesAfterFailures(t *testing.T) {
	t.Parallel()
	allOdd := []string{"10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.7", "10.0.0.9"}
	for name, tc := range map[string]struct {
		window  workflow.Window
		failing []string
		// reached is how many hosts of the odd group, which has five, are away at all.
		most int
	}{
		"the first failure":        {workflow.Window{AtOnce: 1}, allOdd, 1},
		"a later failure":          {workflow.Window{AtOnce: 2, StopAfter: 2}, allOdd, 2},
		"failures take all places": {workflow.Window{AtOnce: 1, StopAfter: 9}, allOdd, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counter := newAway(oddEven)
			tc.window.From, tc.window.To, tc.window.Group = "drain", "uncordon", oddEven
			f := newFleet(10)
			r := f.runner()
			r.Windows = []workflow.Window{tc.window}
			report := run(t, r, counter.phase("drain", 1), counter.phase("swap", 0, tc.failing...), counter.phase("uncordon", -1))
			odd := 0
			for host := range counter.all {
				if oddEven(host) == "odd" {
					odd++
				}
			}
			if odd != tc.most {
				t.Errorf("%d hosts of the group were away", odd)
			}
			if report.Err() == nil || !reports(report, "no other host may be away before that is solved") {
				t.Errorf("%v", report.Hosts)
			}
			if counter.now["even"] != 0 {
				t.Errorf("the other group did not go on: %v", counter.now)
			}
		})
	}
}

// reports reports whether the reason why a host was not reached contains a text.
func reports(report *workflow.Report, text string) bool {
	for _, host := range report.Hosts {
		for _, phase := range host.Phases {
			if phase.Status == workflow.NotReached && strings.Contains(phase.Error, text) {
				return true
			}
		}
	}
	return false
}

func TestWindowOfHostsThatTakePart(t *testing.T) {
	t.Parallel()
	f := newFleet(4)
	counter := newAway(oneGroup)
	drain, swap := counter.phase("drain", 1), counter.phase("swap", -1)
	// Half of the hosts skip the first phase, and one takes part in neither.
	drain.Hosts = func(host netip.Addr) bool { return host.As4()[3] <= 2 }
	swap.Hosts = func(host netip.Addr) bool { return host.As4()[3] <= 3 }
	r := f.runner()
	r.Windows = []workflow.Window{{From: "drain", To: "swap"}}
	if err := run(t, r, drain, swap).Err(); err != nil {
		t.Error(err)
	}
	if counter.most[""] > 1 {
		t.Errorf("%d hosts are away at once", counter.most[""])
	}
}

func TestWindowIsNotAppliedToPlans(t *testing.T) {
	t.Parallel()
	r := newFleet(3).runner()
	r.PlanOnly, r.Windows = true, []workflow.Window{{From: "drain", To: "drain", Keep: 3}}
	if err := run(t, r, newAway(oneGroup).phase("drain", 1)).Err(); err != nil {
		t.Error(err)
	}
}

func TestWindowEndsWithTheRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := newFleet(3)
	r := f.runner()
	r.Windows = []workflow.Window{{From: "drain", To: "swap"}}
	drain := workflow.Phase{Name: "drain", Plan: func(ctx context.Context, _ remote.Reader) ([]workflow.Action, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	report, err := r.Run(ctx, []workflow.Phase{drain, newAway(oneGroup).phase("swap", 0)})
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, host := range report.Hosts {
		if host.Phases[0].Status == workflow.Failed {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d hosts have entered", failed)
	}
}

func TestImpossibleWindows(t *testing.T) {
	t.Parallel()
	counter := newAway(oneGroup)
	phases := []workflow.Phase{counter.phase("a", 0), counter.phase("b", 0), counter.phase("c", 0)}
	waiting := []workflow.Phase{phases[0], phases[1], phases[2]}
	waiting[2].After = []workflow.Dependency{{Phase: "b"}}
	for name, tc := range map[string]struct {
		phases  []workflow.Phase
		windows []workflow.Window
		want    string
	}{
		"no such phase":       {phases, []workflow.Window{{From: "a", To: "z"}}, "from a to z"},
		"in the wrong order":  {phases, []workflow.Window{{From: "b", To: "a"}}, "from b to a"},
		"overlapping":         {phases, []workflow.Window{{From: "a", To: "b"}, {From: "b", To: "c"}}, "phase b twice"},
		"waits for others in": {waiting, []workflow.Window{{From: "a", To: "c"}}, "phase c after b"},
		"every host stays":    {phases, []workflow.Window{{From: "a", To: "c", Keep: 2}}, "none of the 2 hosts"},
	} {
		r := newFleet(2).runner()
		r.Windows = tc.windows
		if _, err := r.Run(t.Context(), tc.phases); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := newFleet(2).runner()
	r.Windows = []workflow.Window{{From: "c", To: "c"}}
	if err := run(t, r, waiting...).Err(); err != nil {
		t.Errorf("a phase may wait for one before its window: %v", err)
	}
}
