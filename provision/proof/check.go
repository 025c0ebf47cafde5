package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Check is one thing that a cluster has to show.
type Check struct {
	// Name is stable, in words joined by dashes.
	Name string
	// Short is what it proves, in one line.
	Short string
	// Hint is what to look at when it fails, in one line; a result may know better.
	Hint string

	// subjects are what it is about: a result each.
	subjects func(*testbed) []subject
	// needs are what has to be there: where something is not, that is the result.
	needs []requirement
	prove func(context.Context, *testbed, *subject) verdict
}

// subject is what a result is about.
type subject struct {
	target string
	// node is the one that is looked at, or that something begins at, and peer where it goes; nil for what
	// is about the cluster.
	node, peer *node
	// outward says that the node's pod calls the client, and not the client the pod.
	outward bool
	// service is the name of a Service.
	service string
}

// requirement gives a verdict when a check cannot be made, and the zero verdict when it can.
type requirement func(*testbed, *subject) verdict

// Checks are all of them, in the order in which a report lists them: from the cluster's own words to
// traffic from outside.
func Checks() []Check {
	return slices.Concat(nodeChecks(), kubeletChecks(), podChecks(), serviceChecks(), outsideChecks(), hostChecks())
}

// Status is what a check came to.
type Status string

// The values of a Status.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is what one check found about one subject.
type Result struct {
	Name string `json:"name"`
	// Target is a node's address, FROM -> TO, a Service or an address of the cluster.
	Target  string `json:"target"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	// Hint says what to do; empty for a check that passed.
	Hint    string  `json:"hint"`
	Seconds float64 `json:"seconds"`
}

// Report is what the proof came to. Its JSON form is a contract with users: check cluster -o json
// prints it.
type Report struct {
	OK bool `json:"ok"`
	// Seconds are all that it took, cleaning up included.
	Seconds float64 `json:"seconds"`
	// Checks are in the order of [Checks], and those of a name in the order of the plan.
	Checks []Result `json:"checks"`
}

// Count is how many results have a status.
func (r *Report) Count(status Status) int {
	n := 0
	for _, result := range r.Checks {
		if result.Status == status {
			n++
		}
	}
	return n
}

// Err is nil unless a check failed.
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

// UnprovenError says that a cluster is not what its manifests say.
type UnprovenError struct {
	Failed, Of int
	// Names are those of the checks that failed.
	Names []string
}

// Error implements error.
func (e *UnprovenError) Error() string {
	return fmt.Sprintf("the cluster is not proven: %d of %d checks failed: %s", e.Failed, e.Of, strings.Join(e.Names, ", "))
}

// verdict is what a check says about a subject.
type verdict struct {
	status        Status
	message, hint string
}

func passed(format string, args ...any) verdict {
	return verdict{status: Passed, message: fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) verdict {
	return verdict{status: Failed, message: fmt.Sprintf(format, args...)}
}

func skipped(format string, args ...any) verdict {
	return verdict{status: Skipped, message: fmt.Sprintf(format, args...)}
}

// withHint says what to do in this very case.
func (v verdict) withHint(format string, args ...any) verdict {
	v.hint = fmt.Sprintf(format, args...)
	return v
}

// all makes one verdict of several that are come to at the same time.
func all(proofs ...func() verdict) verdict {
	verdicts := make([]verdict, len(proofs))
	var group sync.WaitGroup
	for i, prove := range proofs {
		group.Go(func() { verdicts[i] = prove() })
	}
	group.Wait()
	return combine(verdicts...)
}

// combine makes one verdict of several: the words of those that failed; else of those that were skipped;
// else of all.
func combine(verdicts ...verdict) verdict {
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
	return verdict{}
}
