package session

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// TestHostileLockHolders tries control plane hosts that never say whether their lock is taken: the run ends, and nothing
// keeps it from ending.
func TestHostileLockHolders(t *testing.T) {
	t.Parallel()
	for name, hostile := range map[string]remotetest.Hostile{
		"silent": remotetest.Silent, "drips": remotetest.Drips, "floods": remotetest.FloodsStderr, "never closes": remotetest.NeverCloses,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := remotetest.NewServer(t, remotetest.Options{Command: hostile.Command(true)})
			settings := server.Settings()
			settings.Limits = remote.Limits{Read: 200 * time.Millisecond}
			pool, err := remote.NewPool(settings)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			host, err := pool.Host(t.Context(), server.Addr().Addr())
			if err != nil {
				t.Fatal(err)
			}
			over := make(chan struct{})
			var held sync.WaitGroup
			err = acquireLock(context.Background(), host, "me", &held, heartbeat{over})
			close(over)
			held.Wait()
			if !errors.Is(err, remote.ErrUnreachable) {
				t.Errorf("error %v", err)
			}
		})
	}
}
