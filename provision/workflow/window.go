package workflow

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/dualstrap/dualstrap/internal/plural"
)

// Window bounds how many hosts of a group are away at once, from the start of one phase to the end of another. A host that
// has left the cluster in an early phase, as a node that is drained, is away until a later phase has brought it back.
type Window struct {
	// From and To are the names of the first and of the last phase in the window. A host that takes part in none of these
	// phases never enters.
	From, To string
	// Group returns the group of a host. Groups do not affect each other. All hosts are one group if it is nil.
	Group func(host netip.Addr) string
	// AtOnce is the maximum number of hosts of a group in the window; zero means 1.
	AtOnce int
	// Keep is the minimum number of hosts of a group that are not in the window. It takes precedence over AtOnce. A run in
	// which a group has no more than Keep hosts fails before it begins.
	Keep int
	// StopAfter is after how many failures in a group no other host of it enters; zero means 1. A host that has failed in
	// the window is still away, so it keeps its place.
	StopAfter int
}

// group returns the group of a host.
func (w *Window) group(host netip.Addr) string {
	if w.Group == nil {
		return ""
	}
	return w.Group(host)
}

// gate admits the hosts of one group to a window.
type gate struct {
	// limit is how many hosts may be inside, stopAfter how many may fail, and size how many hosts the group has.
	limit, stopAfter, size int

	mu sync.Mutex // guards what follows
	// inside is how many hosts have entered and not left. It includes those that have failed.
	inside int
	failed []string
	// changed is closed and replaced when any of the fields has changed.
	changed chan struct{}
}

// enter blocks until a host may enter. It returns an error if none may enter any more, or if the context has ended.
func (g *gate) enter(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		g.mu.Lock()
		closed, entered, changed := len(g.failed) >= min(g.stopAfter, g.limit), g.inside < g.limit, g.changed
		switch {
		case closed:
			err := fmt.Errorf("%s failed, and no other host may be away before that is solved", strings.Join(g.failed, ", "))
			g.mu.Unlock()
			return err
		case entered:
			g.inside++
		}
		g.mu.Unlock()
		if entered {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// leave ends the stay of a host. One that has failed keeps its place.
func (g *gate) leave(host netip.Addr, failed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if failed {
		g.failed = append(g.failed, host.String())
	} else {
		g.inside--
	}
	close(g.changed)
	g.changed = make(chan struct{})
}

// stay describes the time of one host in one window: it enters before a phase, and leaves after another.
type stay struct {
	gate *gate
	// first and last are the indexes of the first and of the last phase in the window that the host takes part in.
	first, last int
	// inside reports whether the host has entered and not left. Only the goroutine of the host uses it.
	inside bool
}

// enter blocks until the host may enter.
func (s *stay) enter(ctx context.Context) error {
	err := s.gate.enter(ctx)
	s.inside = err == nil
	return err
}

// after ends the stay if the phase that has ended is its last, or if the host has failed.
func (s *stay) after(phase int, host netip.Addr, failed bool) {
	if s.inside && (failed || phase == s.last) {
		s.inside = false
		s.gate.leave(host, failed)
	}
}

// newStays returns the stays of every host, in the order of the hosts, or an error if the windows are not possible: their
// phases must exist and be in order, windows must not overlap, and a phase within one must not wait for another host to be
// there, which may never be.
func newStays(windows []Window, phases []Phase, hosts []netip.Addr) ([][]stay, error) {
	stays := make([][]stay, len(hosts))
	taken := make([]bool, len(phases))
	for i := range windows {
		w := &windows[i]
		from := slices.IndexFunc(phases, func(p Phase) bool { return p.Name == w.From })
		to := slices.IndexFunc(phases, func(p Phase) bool { return p.Name == w.To })
		if from < 0 || to < from {
			return nil, fmt.Errorf("cannot bound the phases from %s to %s: these are not two phases in this order", w.From, w.To)
		}
		for at := from; at <= to; at++ {
			if taken[at] {
				return nil, fmt.Errorf("cannot bound phase %s twice", phases[at].Name)
			}
			taken[at] = true
			for _, need := range phases[at].After {
				if slices.ContainsFunc(phases[from:to+1], func(p Phase) bool { return p.Name == need.Phase }) {
					return nil, fmt.Errorf("cannot run phase %s after %s of other hosts: they may have to wait outside of the same window",
						phases[at].Name, need.Phase)
				}
			}
		}
		if err := w.addStays(stays, phases, hosts, from, to); err != nil {
			return nil, err
		}
	}
	return stays, nil
}

// addStays adds the stays in one window, whose phases have the indexes from and to.
func (w *Window) addStays(stays [][]stay, phases []Phase, hosts []netip.Addr, from, to int) error {
	gates := map[string]*gate{}
	for j, host := range hosts {
		own := stay{first: -1}
		for at := from; at <= to; at++ {
			if !phases[at].includes(host) {
				continue
			}
			if own.first < 0 {
				own.first = at
			}
			own.last = at
		}
		if own.first < 0 {
			continue
		}
		name := w.group(host)
		if gates[name] == nil {
			gates[name] = &gate{stopAfter: max(w.StopAfter, 1), changed: make(chan struct{})}
		}
		own.gate = gates[name]
		own.gate.size++
		own.gate.limit = min(max(w.AtOnce, 1), own.gate.size-w.Keep)
		stays[j] = append(stays[j], own)
	}
	for _, name := range slices.Sorted(maps.Keys(gates)) {
		gate := gates[name]
		if gate.limit > 0 {
			continue
		}
		hosts := plural.Of(gate.size, "host")
		if name != "" {
			hosts += " of " + name
		}
		return fmt.Errorf("cannot run phase %s: none of the %s may be away, because %d have to stay", w.From, hosts, w.Keep)
	}
	return nil
}
