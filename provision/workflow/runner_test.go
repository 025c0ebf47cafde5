package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

func run(t *testing.T, r *workflow.Runner, phases ...workflow.Phase) *workflow.Report {
	t.Helper()
	report, err := r.Run(t.Context(), phases)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// statuses writes a report as one line a host.
func statuses(report *workflow.Report) []string {
	var lines []string
	for _, host := range report.Hosts {
		line := host.Address.String()
		for _, phase := range host.Phases {
			line += fmt.Sprintf(" %s:%s", phase.Name, phase.Status)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestSecondRunChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(2)
	phases := []workflow.Phase{f.put("install"), f.put("start")}
	first := run(t, f.runner(), phases...)
	want := []string{"10.0.0.1 install:changed start:changed", "10.0.0.2 install:changed start:changed"}
	if diff := cmp.Diff(want, statuses(first)); diff != "" || first.Err() != nil {
		t.Errorf("first run (-want +got):\n%s%v", diff, first.Err())
	}
	told := len(f.story)
	second := run(t, f.runner(), phases...)
	want = []string{"10.0.0.1 install:unchanged start:unchanged", "10.0.0.2 install:unchanged start:unchanged"}
	if diff := cmp.Diff(want, statuses(second)); diff != "" || len(f.story) != told {
		t.Errorf("second run (-want +got):\n%sand it did %v", diff, f.story[told:])
	}
}

func TestPlanOnlyChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(1)
	f.machines[0].put("install")
	r := f.runner()
	r.PlanOnly = true
	report := run(t, r, f.put("install"), f.put("start"))
	if diff := cmp.Diff([]string{"10.0.0.1 install:unchanged start:planned"}, statuses(report)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(f.story) > 0 {
		t.Errorf("a run that only plans did %v", f.story)
	}
	if diff := cmp.Diff([]workflow.Change{{Summary: "put start"}}, report.Changes(f.machines[0].address, "start")); diff != "" {
		t.Errorf("planned (-want +got):\n%s", diff)
	}
}

func TestNeedsAreBarriers(t *testing.T) {
	t.Parallel()
	f := newFleet(20)
	first := func(host netip.Addr) bool { return host == f.machines[0].address }
	start := f.put("start", workflow.Dependency{Phase: "install"})
	start.Hosts = first
	join := f.put("join", workflow.Dependency{Phase: "start", Hosts: first})
	run(t, f.runner(), f.put("install"), start, join)

	at := func(what string) int { return slices.Index(f.story, what) }
	started := at("10.0.0.1 start")
	if started < 0 || len(f.story) != 41 {
		t.Fatalf("it did %v", f.story)
	}
	for _, m := range f.machines {
		if at(m.address.String()+" install") > started || at(m.address.String()+" join") < started {
			t.Errorf("%s did not wait: %v", m.address, f.story)
		}
	}
}

func TestSlowHostDelaysNoOthers(t *testing.T) {
	t.Parallel()
	f := newFleet(3)
	rest := make(chan struct{}) // closed when the others are through
	var through sync.WaitGroup
	through.Add(2)
	go func() { through.Wait(); close(rest) }()
	slow := workflow.Phase{Name: "slow", Plan: func(_ context.Context, host remote.Reader) ([]workflow.Action, error) {
		if host.Address() == f.machines[0].address {
			<-rest // for ever, if the others waited
		}
		return nil, nil
	}}
	last := workflow.Phase{Name: "last", Plan: func(_ context.Context, host remote.Reader) ([]workflow.Action, error) {
		if host.Address() != f.machines[0].address {
			through.Done()
		}
		return nil, nil
	}}
	run(t, f.runner(), slow, last)
}

// A run that fails at any phase of any host is finished by the next one.
func TestResume(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{"10.0.0.1 a", "10.0.0.2 a", "10.0.0.1 b", "10.0.0.3 b", "10.0.0.2 c"} {
		f := newFleet(3)
		phases := []workflow.Phase{f.put("a"), f.put("b", workflow.Dependency{Phase: "a"}), f.put("c")}
		f.broken[broken] = true
		failed := run(t, f.runner(), phases...).Err()
		address, phase, _ := strings.Cut(broken, " ")
		if want := fmt.Sprintf("%s: %s: cannot put %s: disk full", address, phase, phase); failed == nil || failed.Error() != want {
			t.Errorf("broken at %s: %v, want %s", broken, failed, want)
		}
		delete(f.broken, broken)
		if err := run(t, f.runner(), phases...).Err(); err != nil || len(f.story) != 9 {
			t.Errorf("resumed after %s: %v; in all it did %v", broken, err, f.story)
		}
	}
}

func TestFailureStopsWhatWaitsForIt(t *testing.T) {
	t.Parallel()
	f := newFleet(2)
	f.broken["10.0.0.2 a"] = true
	report := run(t, f.runner(), f.put("a"), f.put("b"), f.put("c", workflow.Dependency{Phase: "b"}), f.put("d"))
	want := []string{
		"10.0.0.1 a:changed b:changed c:not-reached d:not-reached",
		"10.0.0.2 a:failed b:not-reached c:not-reached d:not-reached",
	}
	if diff := cmp.Diff(want, statuses(report)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := report.Hosts[0].Phases[2].Error; got != "b is not done on 10.0.0.2" {
		t.Errorf("the obstacle is %q", got)
	}
	var failure *workflow.Error
	if err := report.Err(); !errors.As(err, &failure) || failure.Host != f.machines[1].address || failure.Phase != "a" {
		t.Errorf("the error is %v", err)
	}
}

func TestUnreachableHost(t *testing.T) {
	t.Parallel()
	f := newFleet(2)
	f.broken["10.0.0.1"] = true
	report := run(t, f.runner(), f.put("a"), f.put("b"))
	want := []string{"10.0.0.1 a:failed b:not-reached", "10.0.0.2 a:changed b:changed"}
	if diff := cmp.Diff(want, statuses(report)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := report.Err(); err == nil || err.Error() != "10.0.0.1: a: connection refused" {
		t.Errorf("the error is %v", err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	f := newFleet(3)
	ctx, cancel := context.WithCancel(t.Context())
	stop := workflow.Phase{Name: "stop", Plan: func(context.Context, remote.Reader) ([]workflow.Action, error) {
		cancel()
		return nil, nil
	}}
	report, err := f.runner().Run(ctx, []workflow.Phase{stop, f.put("a", workflow.Dependency{Phase: "stop"})})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range report.Hosts {
		if last := host.Phases[len(host.Phases)-1]; last.Status != workflow.NotReached {
			t.Errorf("%s: %s is %s", host.Address, last.Name, last.Status)
		}
	}
	if len(f.story) > 0 {
		t.Errorf("after it was cancelled it did %v", f.story)
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	f := newFleet(30)
	r := f.runner()
	r.Concurrency = 4
	var mu sync.Mutex
	busy, most := 0, 0
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		busy += by
		most = max(most, busy)
	}
	work := workflow.Phase{Name: "work", Plan: func(context.Context, remote.Reader) ([]workflow.Action, error) {
		count(+1)
		defer count(-1)
		return nil, nil
	}}
	run(t, r, work, f.put("a", workflow.Dependency{Phase: "work"}))
	if most > 4 || len(f.story) != 30 {
		t.Errorf("%d hosts at once; it did %d things", most, len(f.story))
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	f := newFleet(1)
	f.broken["10.0.0.1 b"] = true
	r := f.runner()
	var got []string
	r.Observe = func(e workflow.Event) {
		got = append(got, fmt.Sprintf("%s %s [%s] [%s] %v", e.Host, e.Phase, e.Action, e.Status, e.Err))
	}
	run(t, r, f.put("a"), f.put("b"), f.put("c"))
	want := []string{
		"10.0.0.1 a [] [] <nil>",
		"10.0.0.1 a [put a] [] <nil>",
		"10.0.0.1 a [] [changed] <nil>",
		"10.0.0.1 b [] [] <nil>",
		"10.0.0.1 b [put b] [] <nil>",
		"10.0.0.1 b [] [failed] cannot put b: disk full",
		"10.0.0.1 c [] [not-reached] <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEventsCountHosts checks that the start of a phase says how many hosts it includes.
func TestEventsCountHosts(t *testing.T) {
	t.Parallel()
	r := newFleet(3).runner()
	first := r.Hosts[0]
	var mu sync.Mutex
	got := map[string]int{}
	r.Observe = func(e workflow.Event) {
		mu.Lock()
		defer mu.Unlock()
		got[e.Phase] = max(got[e.Phase], e.Hosts)
	}
	nothing := func(context.Context, remote.Reader) ([]workflow.Action, error) { return nil, nil }
	run(t, r,
		workflow.Phase{Name: "all", Plan: nothing},
		workflow.Phase{Name: "one", Plan: nothing, Hosts: func(host netip.Addr) bool { return host == first }})
	if diff := cmp.Diff(map[string]int{"all": 3, "one": 1}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPhaseListIsChecked(t *testing.T) {
	t.Parallel()
	f := newFleet(1)
	late := f.put("a", workflow.Dependency{Phase: "b"})
	if _, err := f.runner().Run(t.Context(), []workflow.Phase{late, f.put("b")}); err == nil {
		t.Error("a phase may wait for a later one")
	}
}
