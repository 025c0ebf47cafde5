package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

const (
	// heartbeatInterval is how often a run sends a heartbeat to the hosts whose locks it holds. A host releases a lock
	// without a heartbeat for lockExpiry: the run's machine froze, or cannot reach the host. However else a run ends, its
	// connections end with it, and release the locks.
	heartbeatInterval = time.Second
	lockExpiry        = 30 * time.Second
	// lockAttempts is how often a host is asked whether the lock is held. One attempt takes up to ten seconds
	// (wait_lock.sh).
	lockAttempts = 6
)

// LockedError reports that another run holds the cluster's lock.
type LockedError struct {
	Host netip.Addr
	// Holder describes the user and the process of the other run, and when it began.
	Holder string
}

// Error implements error.
func (e *LockedError) Error() string {
	return fmt.Sprintf("another run is changing this cluster: %s is locked by %s; nothing was changed", e.Host, e.Holder)
}

// Hint returns the way to solve the problem.
func (e *LockedError) Hint() string {
	return "wait until it has ended; the lock of a run that was killed is released automatically"
}

// Lock acquires the locks of all control plane hosts, which keeps other runs from changing the cluster until release is
// called. The error is a [LockedError] if another run holds one of them. A host that cannot be reached is left out: its
// checks fail, and the run ends before it changes anything. The locks have their own connections, because sshd may allow
// only one session on each (MaxSessions).
func (s *Session) Lock(ctx context.Context) (release func(), err error) {
	connections, err := s.connect()
	if err != nil {
		return nil, err
	}
	stop := make(chan struct{})
	var held sync.WaitGroup // the sessions that hold locks
	release = sync.OnceFunc(func() {
		close(stop)
		held.Wait() // the hosts have removed their lock files when the sessions end
		connections.Close()
	})
	var group errgroup.Group
	holder := lockHolder()
	for _, address := range s.ControlPlanes() {
		group.Go(func() error {
			// The events are quiet: users need to see the lock only if a host makes the run wait for it.
			s.Observe(workflow.Event{Host: address, Phase: "lock", Quiet: true})
			defer s.Observe(workflow.Event{Host: address, Phase: "lock", Quiet: true, Status: workflow.Done})
			host, err := connections.Host(ctx, address)
			if err != nil {
				return nil // the checks report hosts that cannot be reached
			}
			return acquireLock(ctx, host, holder, &held, heartbeat{stop})
		})
	}
	if err := group.Wait(); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// Connect starts to connect to all hosts, and does not wait. Lock can run meanwhile: hosts must not be read before it is held,
// because another run may still be changing them.
func (s *Session) Connect(ctx context.Context) {
	for _, address := range s.Addresses() {
		go func() { _, _ = s.Connections.Host(ctx, address) }() // the checks report hosts that cannot be reached
	}
}

// acquireLock acquires the lock of a host. A session on the host holds the lock as long as beats goes on; it is added to
// held, and outlives ctx so that the lock is kept while a cancelled run finishes. A second session waits until the lock
// file names the holder: the first one returns only when it ends.
func acquireLock(ctx context.Context, host remote.Host, holder string, held *sync.WaitGroup, beats heartbeat) error {
	holding, err := remote.EmbeddedScript(scripts, "hold the lock", remote.Args{
		"holder": holder, "expiry": strconv.Itoa(int(lockExpiry.Seconds())),
	}, "run_lock")
	if err != nil {
		return err
	}
	waiting, err := remote.EmbeddedScript(scripts, "wait for the lock", remote.Args{"holder": holder}, "wait_lock")
	if err != nil {
		return err
	}
	holding.Stdin, holding.Lasts = beats, true
	waitCtx, stopWaiting := context.WithCancel(ctx)
	defer stopWaiting()
	ended := make(chan error, 1)
	held.Go(func() {
		answer, err := host.Run(context.WithoutCancel(ctx), holding)
		if _, taken := answer.Values["holder"]; taken && err == nil {
			err = &LockedError{Host: host.Address(), Holder: cmp.Or(answer.Text("holder"), "a run that has just begun")}
		}
		ended <- err
		stopWaiting()
	})
	for range lockAttempts {
		_, err := host.Probe(waitCtx, waiting)
		if err == nil || errors.Is(err, remote.ErrUnreachable) {
			return err
		}
		// Any other error means that the lock is not held yet, or that stopWaiting has ended the probe.
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(heartbeatInterval): // the holding session has not started yet
		}
	}
	return fmt.Errorf("cannot lock %s: it neither takes the lock nor says who holds it", host.Address())
}

// heartbeat is the standard input of a session that holds a lock: one byte per heartbeatInterval, until done is closed.
type heartbeat struct{ done <-chan struct{} }

// Read implements io.Reader.
func (b heartbeat) Read(data []byte) (int, error) {
	select {
	case <-b.done:
		return 0, io.EOF
	case <-time.After(heartbeatInterval):
		return copy(data, "."), nil
	}
}

// lockHolder describes this run for users of other runs: user, machine, process and time. The time and the process ID
// also make it unique.
func lockHolder() string {
	name := "unknown" // the user may have no entry in /etc/passwd
	if account, err := user.Current(); err == nil {
		name = account.Username
	}
	if machine, err := os.Hostname(); err == nil {
		name += "@" + machine
	}
	return fmt.Sprintf("%s, process %d, since %s", name, os.Getpid(), time.Now().UTC().Format("2006-01-02 15:04:05 UTC"))
}
