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
	// checksAtOnce bounds how many results are worked on at once.
	checksAtOnce = 64
	// aliveInterval is how often a proof says that its namespace is in use. The shortest proof takes
	// several times as long.
	aliveInterval = 500 * time.Millisecond
)

// Run proves the cluster. What does not hold is in the report; the error is about the proof itself,
// which then says nothing about the cluster. Whatever happens, what it has made is gone afterwards.
func Run(ctx context.Context, cluster Cluster) (report Report, err error) {
	s := newTestbed(cluster)
	leftovers, err := s.API.Leftovers(ctx, Label)
	if err != nil {
		return Report{}, err
	}
	// An interrupt must not come between the namespace and its name.
	s.namespace, err = s.API.NewNamespace(context.WithoutCancel(ctx), namespacePrefix, map[string]string{
		Label: "true", "pod-security.kubernetes.io/enforce": "baseline", // raw sockets are not in what is restricted
	})
	if err != nil {
		return Report{}, err
	}
	alive, stop := context.WithCancel(ctx)
	go s.API.KeepAlive(alive, s.namespace, aliveInterval)
	var onClient *listener
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

// assemble brings everything to its place.
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

// prove makes all checks at once.
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
	group.Wait() //nolint:errcheck // what fails is in the report
	report.OK = report.Count(Failed) == 0
	return report
}

// apply makes a result of a check and a subject.
func (c *Check) apply(ctx context.Context, s *testbed, on *subject) Result {
	began := time.Now()
	v := c.judge(ctx, s, on)
	result := Result{Name: c.Name, Target: on.target, Status: v.status, Message: v.message, Hint: v.hint}
	if v.status == Failed {
		result.Hint = cmp.Or(v.hint, c.Hint)
	}
	result.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	return result
}

func (c *Check) judge(ctx context.Context, s *testbed, on *subject) verdict {
	for _, need := range c.needs {
		if v := need(s, on); v.status != "" {
			return v
		}
	}
	return c.prove(ctx, s, on)
}

// deleteLeftovers deletes the namespaces of proofs that were cut off: those that nobody has kept alive
// while this one ran.
func (s *testbed) deleteLeftovers(ctx context.Context, leftovers []kube.Leftover) error {
	for _, leftover := range leftovers {
		if err := s.API.DeleteLeftover(ctx, leftover); err != nil {
			return err
		}
	}
	return nil
}

// clean takes away what the proof has made, also when it was interrupted.
func (s *testbed) clean(ctx context.Context, onClient *listener) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanPatience+patience) // so that who waits can say for what
	defer cancel()
	var group errgroup.Group
	group.Go(func() error { return onClient.stop(ctx) })
	group.Go(func() error { return s.API.DeleteNamespace(ctx, s.namespace, cleanPatience) })
	return group.Wait()
}
