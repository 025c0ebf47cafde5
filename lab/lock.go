package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockWait is how long a change waits for another one; building the image is the longest of all.
const lockWait = 15 * time.Minute

// pollInterval is how often something is looked at that does not tell when it changes.
const pollInterval = 200 * time.Millisecond

// lock keeps other changes of labs away until the file is closed, here and in every child process that
// has inherited it. So what a killed run has started is done before the next run looks around.
func (l *Lab) lock(ctx context.Context) (*os.File, error) {
	if err := os.MkdirAll(l.Cache, 0o755); err != nil {
		return nil, fmt.Errorf("cannot lock the lab: %w", err)
	}
	dir, err := os.Open(l.Cache)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the lab: %w", err)
	}
	told := false
	err = poll(ctx, lockWait, func() (bool, error) {
		err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err == nil, err
		}
		if !told {
			l.Step("waiting for another dualstrap that is changing a lab")
			told = true
		}
		return false, nil
	})
	if err != nil {
		dir.Close() //nolint:errcheck // nothing was written
		return nil, fmt.Errorf("cannot lock the lab: %w", err)
	}
	return dir, nil
}

// errDeadline says that what was waited for did not come in time.
var errDeadline = errors.New("it took too long")

// poll asks again and again until the answer is yes, or an error that will not go away.
func poll(ctx context.Context, deadline time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, deadline, errDeadline)
	defer cancel()
	for {
		done, err := ask()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pollInterval):
		}
	}
}
