package proof

import (
	"cmp"
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/provision/kube"
)

const (
	// checksAtOnce bounds the number of results that are worked on concurrently.
	checksAtOnce = 64
	// aliveInterval is how often a proof marks its namespace as in use. It must be shorter than the shortest proof,
	// which takes several times as long: [testbed.deleteLeftovers] deletes namespaces that were not marked during one
	// proof.
	aliveInterval = 500 * time.Millisecond
)

// Run proves the cluster. Checks that fail are in the report. The error is about the proof itself, which then says
// nothing about the cluster. What Run has created is removed in any case.
func Run(ctx context.Context, cluster Cluster) (report Report, err error) {
	s := newTestbed(cluster)
	// Leftovers are listed before this proof starts and deleted after it, so a namespace in use is marked in between.
	leftovers, err := s.API.Leftovers(ctx, namespaceLabel)
	if err != nil {
		return Report{}, err
	}
	// The API server generates the name. If an interrupt ended the request before the response, the namespace would
	// exist under a name that is not known here, and could not be deleted.
	s.namespace, err = s.API.NewNamespace(context.WithoutCancel(ctx), namespacePrefix, map[string]string{
		namespaceLabel: "true", "pod-security.kubernetes.io/enforce": "baseline", // "restricted" forbids raw sockets
	})
	if err != nil {
		return Report{}, err
	}
	alive, stop := context.WithCancel(ctx)
	go s.API.KeepAlive(alive, s.namespace, aliveInterval)
	var onClient *listener
	// Stop marking the namespace before it is deleted, and clean up whatever happens below.
	defer func() {
		stop()
		err = errors.Join(err, s.clean(ctx, onClient))
	}()
	if onClient, err = s.assemble(ctx); err != nil {
		return Report{}, err
	}
	report = s.prove(ctx)
	if ctx.Err() != nil {
		return Report{}, ctx.Err()
	}
	return report, s.deleteLeftovers(ctx, leftovers)
}

// assemble deploys the pods and Services, and starts the client's server at the same time. The listener is returned
// even with an error, because it has to be stopped.
func (s *testbed) assemble(ctx context.Context) (*listener, error) {
	var onClient *listener
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := s.deploy(ctx); err != nil {
			return err
		}
		s.awaitServices(ctx)
		return ctx.Err()
	})
	group.Go(func() error {
		onClient = s.startClient(ctx)
		return nil
	})
	err := group.Wait()
	return onClient, err
}

// prove makes all checks concurrently.
func (s *testbed) prove(ctx context.Context) Report {
	report := Report{OK: true}
	var group errgroup.Group
	group.SetLimit(checksAtOnce)
	type task struct {
		check   Check
		subject subject
	}
	var tasks []task
	for _, check := range Checks() {
		for _, subject := range check.subjects(s) {
			tasks = append(tasks, task{check, subject})
		}
	}
	report.Checks = make([]Result, len(tasks))
	for i := range tasks {
		group.Go(func() error {
			report.Checks[i] = tasks[i].check.apply(ctx, s, &tasks[i].subject)
			return nil
		})
	}
	group.Wait() //nolint:errcheck // the functions return no errors; failures are in the report
	report.OK = report.Count(Failed) == 0
	return report
}

// apply makes the check for a subject and returns the result.
func (c *Check) apply(ctx context.Context, s *testbed, on *subject) Result {
	began := time.Now()
	v := c.evaluate(ctx, s, on)
	result := Result{Name: c.Name, Target: on.target, Status: v.status, Message: v.message, Hint: v.hint}
	if v.status == Failed {
		result.Hint = cmp.Or(v.hint, c.Hint)
	}
	result.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	return result
}

// evaluate returns the verdict of the first precondition that is not met, or else that of the check.
func (c *Check) evaluate(ctx context.Context, s *testbed, on *subject) verdict {
	for _, need := range c.needs {
		if v := need(s, on); v.status != "" {
			return v
		}
	}
	return c.prove(ctx, s, on)
}

// deleteLeftovers deletes the namespaces of interrupted proofs: those that existed before this proof and were not
// marked as in use while it ran.
func (s *testbed) deleteLeftovers(ctx context.Context, leftovers []kube.Leftover) error {
	for _, leftover := range leftovers {
		if err := s.API.DeleteLeftover(ctx, leftover); err != nil {
			return err
		}
	}
	return nil
}

// clean removes what the proof has created. It is not interrupted by the end of ctx.
func (s *testbed) clean(ctx context.Context, onClient *listener) error {
	// The deletion of the namespace has its own, shorter timeout, so that it can report what it was waiting for.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanPatience+patience)
	defer cancel()
	var group errgroup.Group
	group.Go(func() error { return onClient.stop(ctx) })
	group.Go(func() error { return s.API.DeleteNamespace(ctx, s.namespace, cleanPatience) })
	return group.Wait()
}
