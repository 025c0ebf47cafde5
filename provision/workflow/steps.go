package workflow

import (
	"context"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// stepsKey is the key of the function that [StepReporter] returns.
type stepsKey struct{}

// StepReporter returns the function with which the action that received the context reports the progress of its steps:
// the current step, how many have finished, and how many there are. The function must not be called after the action has
// ended. It does nothing if the context is not one of an action.
func StepReporter(ctx context.Context) func(step string, done, of int) {
	if report, ok := ctx.Value(stepsKey{}).(func(string, int, int)); ok {
		return report
	}
	return func(string, int, int) {}
}

// withSteps returns the context of an action, which passes the progress of its steps to the observer.
func (r *run) withSteps(ctx context.Context, host remote.Host, phase string) context.Context {
	report := func(step string, done, of int) {
		r.observe(Event{Host: host.Address(), Phase: phase, Step: step, Done: done, Of: of})
	}
	return context.WithValue(ctx, stepsKey{}, report)
}
