package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Check is a property that the cluster must have, and how to prove it.
type Check struct {
	// Name is stable and consists of words joined by dashes. Scripts of users depend on it.
	Name string
	// Short is the property, in one line.
	Short string
	// Hint says what to look at when the check fails, in one line. A verdict may have a more specific one.
	Hint string

	// subjects returns what the check is applied to. Each subject has its own result.
	subjects func(*testbed) []subject
	// needs are the preconditions. The verdict of the first one that is not met is the result, and prove is not called.
	needs []requirement
	// prove makes the calls and returns the verdict. It runs concurrently with all other checks.
	prove func(context.Context, *testbed, *subject) verdict
}

// subject identifies the node, pair of nodes, Service or address to which a check is applied.
type subject struct {
	// target is the subject's name in results.
	target string
	// node is the node that is checked, or from which a call starts, and peer the one that is called. They are nil
	// where the check does not need them.
	node, peer *node
	// outward says that the node's pod calls the client. Otherwise the client calls the pod.
	outward bool
	// service is the name of a Service of the proof.
	service string
}

// requirement returns the verdict of a check that cannot be made, or the zero verdict if it can.
type requirement func(*testbed, *subject) verdict

// Checks returns all checks, in the order in which a report lists them: from what the API server reports about nodes to
// traffic from outside.
func Checks() []Check {
	return slices.Concat(nodeChecks(), kubeletChecks(), podChecks(), serviceChecks(), outsideChecks(), hostChecks())
}

// Status is the outcome of a check.
type Status string

// The values of a Status. A skipped check proves nothing, and does not make a proof fail either.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is the outcome of one check for one subject.
type Result struct {
	// Name is that of the check.
	Name string `json:"name"`
	// Target is a node's address, FROM -> TO, a Service, or an address of the cluster.
	Target string `json:"target"`
	Status Status `json:"status"`
	// Message says what was found, or why the check was skipped.
	Message string `json:"message"`
	// Hint says what to do. It is empty for a check that passed.
	Hint string `json:"hint"`
	// Seconds is the duration of the check, to the millisecond.
	Seconds float64 `json:"seconds"`
}

// Report is the outcome of a proof. Its JSON form is a contract with users: check cluster -o json prints it.
type Report struct {
	// OK reports whether no check failed. Skipped checks do not count.
	OK bool `json:"ok"`
	// Seconds is the duration of the proof, including the cleanup.
	Seconds float64 `json:"seconds"`
	// Checks are in the order of [Checks], and the results of one check in the order of the plan.
	Checks []Result `json:"checks"`
}

// Count returns the number of results with a status.
func (r *Report) Count(status Status) int {
	n := 0
	for _, result := range r.Checks {
		if result.Status == status {
			n++
		}
	}
	return n
}

// Err returns an [UnprovenError] if a check failed, and nil otherwise.
func (r *Report) Err() error {
	failed := &UnprovenError{Failed: r.Count(Failed), Of: len(r.Checks)}
	if failed.Failed == 0 {
		return nil
	}
	for _, result := range r.Checks {
		if result.Status == Failed && !slices.Contains(failed.Names, result.Name) {
			failed.Names = append(failed.Names, result.Name)
		}
	}
	return failed
}

// UnprovenError reports that a cluster does not match its manifests.
type UnprovenError struct {
	// Failed is the number of failed results, Of the number of all results.
	Failed, Of int
	// Names lists the checks that failed, each once.
	Names []string
}

// Error implements error.
func (e *UnprovenError) Error() string {
	return fmt.Sprintf("the cluster is not proven: %d of %d checks failed: %s", e.Failed, e.Of, strings.Join(e.Names, ", "))
}

// verdict is the outcome of a check before it is attributed to the check and its subject.
type verdict struct {
	status Status
	// hint takes the place of the check's hint, if it is not empty.
	message, hint string
}

// passed returns the verdict of a check whose property holds.
func passed(format string, args ...any) verdict {
	return verdict{status: Passed, message: fmt.Sprintf(format, args...)}
}

// failed returns the verdict of a check whose property does not hold.
func failed(format string, args ...any) verdict {
	return verdict{status: Failed, message: fmt.Sprintf(format, args...)}
}

// skipped returns the verdict of a check that could not be made, with the reason.
func skipped(format string, args ...any) verdict {
	return verdict{status: Skipped, message: fmt.Sprintf(format, args...)}
}

// withHint returns the verdict with a hint for this particular case.
func (v verdict) withHint(format string, args ...any) verdict {
	v.hint = fmt.Sprintf(format, args...)
	return v
}

// all runs the proofs concurrently and combines their verdicts.
func all(proofs ...func() verdict) verdict {
	verdicts := make([]verdict, len(proofs))
	var group sync.WaitGroup
	for i, prove := range proofs {
		group.Go(func() { verdicts[i] = prove() })
	}
	group.Wait()
	return combine(verdicts...)
}

// combine returns one verdict for several. One failure fails it, and without a failure one skip skips it. Its message
// consists of those of the verdicts with that status only. No verdicts at all are a failure: nothing was proven.
func combine(verdicts ...verdict) verdict {
	// In the order of precedence: the first status that any verdict has is that of all.
	for _, status := range []Status{Failed, Skipped, Passed} {
		var messages, hints []string
		for _, v := range verdicts {
			if v.status != status {
				continue
			}
			messages = append(messages, v.message)
			if v.hint != "" && !slices.Contains(hints, v.hint) {
				hints = append(hints, v.hint)
			}
		}
		if len(messages) > 0 {
			return verdict{status: status, message: strings.Join(messages, "; "), hint: strings.Join(hints, "; ")}
		}
	}
	return failed("there is nothing to call")
}
