package change

import (
	"slices"
	"sync"
)

// StepFunc receives the progress of [Apply] when a step begins and when one ends: the step that began last, of those that
// still run, how many steps have finished, and how many there are. Steps run concurrently, but the function is not called
// again before it returns, and done never decreases.
type StepFunc func(step string, done, of int)

// steps counts the steps of one call of [Apply].
type steps struct {
	report StepFunc // may be nil
	of     int

	mu      sync.Mutex
	done    int
	running []string // in the order in which they began
}

// do runs a step, and reports when it begins and when it ends. A step that fails does not count as finished.
func (s *steps) do(name string, step func() error) error {
	s.update(name, func() { s.running = append(s.running, name) })
	err := step()
	s.update(name, func() {
		at := slices.Index(s.running, name)
		s.running = slices.Delete(s.running, at, at+1)
		if err == nil {
			s.done++
		}
	})
	return err
}

// update changes the counts, and reports them. Between two steps, the current one is the one that ended.
func (s *steps) update(name string, change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	if n := len(s.running); n > 0 {
		name = s.running[n-1]
	}
	if s.report != nil {
		s.report(name, s.done, s.of)
	}
}
