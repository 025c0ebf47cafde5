package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockWait is how long a change waits for another change. The longest one builds the image.
const lockWait = 15 * time.Minute

// pollInterval is the interval of queries for state that sends no events.
const pollInterval = 200 * time.Millisecond

// lock acquires the lock for changes of labs. Closing the returned file releases it, but only once every child process that
// inherited the file has ended. So the next run never observes the state while a child of a killed run is changing it.
func (l *Lab) lock(ctx context.Context) (*os.File, error) {
	if err := os.MkdirAll(l.Cache, 0o755); err != nil {
		return nil, fmt.Errorf("cannot lock the lab: %w", err)
	}
	// The directory itself is locked, so that no lock file can be left behind. Child processes inherit the descriptor
	// through exec.Cmd.ExtraFiles, see engine.
	dir, err := os.Open(l.Cache)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the lab: %w", err)
	}
	announced := false
	// Flock is polled, since a blocking call could not be canceled.
	err = poll(ctx, lockWait, func() (bool, error) {
		err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err == nil, err
		}
		if !announced {
			l.Step("waiting for another dualstrap that is changing a lab")
			announced = true
		}
		return false, nil
	})
	if err != nil {
		unlock(dir)
		return nil, fmt.Errorf("cannot lock the lab: %w", err)
	}
	return dir, nil
}

// unlock releases the lock that the directory was opened for.
func unlock(dir *os.File) { _ = dir.Close() }

// errDeadline reports that the deadline of poll has passed.
var errDeadline = errors.New("it took too long")

// poll calls ask every pollInterval until it returns true or an error, or until the deadline has passed.
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
