package remote

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-multierror"
)

// DefaultConcurrency is how many hosts are worked on at once where nobody says.
const DefaultConcurrency = 64

// HostError is what failed on one of many hosts.
type HostError struct {
	Host netip.Addr
	Err  error
}

// Error implements error.
func (e *HostError) Error() string { return fmt.Sprintf("%s: %v", e.Host, e.Err) }

// Unwrap gives what failed.
func (e *HostError) Unwrap() error { return e.Err }

// ForEach does something to each of the hosts, to as many at once as concurrency says, and to the next
// as soon as one is done: none waits for a slow one but those there is no place for. The results are in
// the order of the hosts. The error has a [HostError] for each host that failed, sorted by address;
// where ctx ended, the hosts that were not begun failed with its error.
func ForEach[R any](
	ctx context.Context, hosts []netip.Addr, concurrency int, do func(ctx context.Context, host netip.Addr) (R, error),
) ([]R, error) {
	if concurrency <= 0 {
		concurrency = DefaultConcurrency
	}
	results, failures := make([]R, len(hosts)), make([]error, len(hosts))
	places := make(chan struct{}, concurrency)
	var running sync.WaitGroup
	for i, host := range hosts {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			failures[i] = ctx.Err()
			continue
		}
		running.Go(func() {
			defer func() { <-places }()
			results[i], failures[i] = do(ctx, host)
		})
	}
	running.Wait()
	return results, joined(hosts, failures)
}

// joined makes one error of those of the hosts.
func joined(hosts []netip.Addr, failures []error) error {
	var failed []*HostError
	for i, err := range failures {
		if err != nil {
			failed = append(failed, &HostError{Host: hosts[i], Err: err})
		}
	}
	if len(failed) == 0 {
		return nil
	}
	slices.SortStableFunc(failed, func(a, b *HostError) int { return a.Host.Compare(b.Host) })
	all := &multierror.Error{ErrorFormat: func(errs []error) string {
		lines := make([]string, len(errs))
		for i, err := range errs {
			lines[i] = err.Error()
		}
		return strings.Join(lines, "\n")
	}}
	for _, each := range failed {
		all.Errors = append(all.Errors, each)
	}
	return all
}
