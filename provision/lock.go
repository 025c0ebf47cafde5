package provision

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
	// heartbeatInterval is how often a run says that it is alive to the hosts whose locks it holds. A lock
	// whose run has not for lockExpiry is free: the run's machine froze, or cannot reach the host.
	// When a run ends in any other way, its connections do, and its locks with them.
	heartbeatInterval = time.Second
	lockExpiry        = 30 * time.Second
	// lockTries is how many times a host is asked whether its lock is held, for ten seconds each.
	lockTries = 6
)

// LockedError says that another run changes the cluster.
type LockedError struct {
	Host netip.Addr
	// Holder says who runs it, and since when.
	Holder string
}

// Error implements error.
func (e *LockedError) Error() string {
	return fmt.Sprintf("another run is changing this cluster: %s is locked by %s; nothing was changed", e.Host, e.Holder)
}

// Hint says what to do.
func (e *LockedError) Hint() string {
	return "wait until it has ended; the lock of a run that was killed goes by itself"
}

// lock keeps other runs away from the cluster until the function is called: it holds the hosts of the
// control plane. A host that is not reached is left out, since its checks will fail. The connections are
// the lock's own: sshd may allow but one session on each.
func (s *Session) lock(ctx context.Context) (release func(), err error) {
	pool, err := remote.NewPool(s.settings)
	if err != nil {
		return nil, err
	}
	over := make(chan struct{})
	var held sync.WaitGroup
	release = sync.OnceFunc(func() {
		close(over)
		held.Wait()
		pool.Close()
	})
	var group errgroup.Group
	who := lockHolder()
	for _, address := range s.controlPlanes() {
		group.Go(func() error {
			s.observe(workflow.Event{Host: address, Phase: "lock", Quiet: true})
			defer s.observe(workflow.Event{Host: address, Phase: "lock", Quiet: true, Status: workflow.Done})
			host, err := pool.Host(ctx, address)
			if err != nil {
				return nil //nolint:nilerr // its checks say so
			}
			return acquireLock(ctx, host, who, &held, heartbeat{over})
		})
	}
	if err := group.Wait(); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// lockAndConnect takes the lock, and has connections to all hosts be made meanwhile. Nothing is read on
// them before the lock is there: another run may be at its last change.
func (s *Session) lockAndConnect(ctx context.Context) (release func(), err error) {
	for _, address := range s.addresses() {
		go func() { _, _ = s.pool.Host(ctx, address) }() // what is wrong with it, its checks say
	}
	return s.lock(ctx)
}

// acquireLock takes a host's lock. It is held for as long as the beats go on, by a session that is in held.
func acquireLock(ctx context.Context, host remote.Host, who string, held *sync.WaitGroup, alive heartbeat) error {
	holding, err := script("hold the lock", "run_lock", who, strconv.Itoa(int(lockExpiry.Seconds())))
	if err != nil {
		return err
	}
	waiting, err := script("wait for the lock", "wait_lock", who)
	if err != nil {
		return err
	}
	holding.Stdin, holding.Lasts = alive, true
	waitCtx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	ended := make(chan error, 1)
	held.Go(func() {
		answer, err := host.Run(context.WithoutCancel(ctx), holding)
		if _, taken := answer.Values["holder"]; taken && err == nil {
			err = &LockedError{Host: host.Address(), Holder: cmp.Or(answer.Text("holder"), "a run that has just begun")}
		}
		ended <- err
		giveUp()
	})
	for range lockTries {
		_, err := host.Probe(waitCtx, waiting)
		if err == nil || errors.Is(err, remote.ErrUnreachable) {
			return err
		}
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(heartbeatInterval): // it is on its way still
		}
	}
	return fmt.Errorf("cannot lock %s: it neither takes the lock nor says who holds it", host.Address())
}

// heartbeat is an input that goes on until it is over.
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

// lockHolder says who runs this program, and since when.
func lockHolder() string {
	name := "somebody"
	if account, err := user.Current(); err == nil {
		name = account.Username
	}
	if machine, err := os.Hostname(); err == nil {
		name += "@" + machine
	}
	return fmt.Sprintf("%s, process %d, since %s", name, os.Getpid(), time.Now().UTC().Format("2006-01-02 15:04:05 UTC"))
}
