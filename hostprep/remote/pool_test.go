package remote_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

func TestOneConnectionPerHost(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	hosts := pool(t, server.Settings())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			host, err := hosts.Host(bound(t), server.Addr().Addr())
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := host.Probe(bound(t), remote.Script{Name: "here", Body: "answer a true"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := server.Connections(); got != 1 {
		t.Errorf("%d connections", got)
	}
}

func TestGivingUp(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{Fault: func(n int) remotetest.Fault {
		return remotetest.Fault{Stall: n == 1}
	}})
	hosts := pool(t, server.Settings())
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := hosts.Host(ctx, server.Addr().Addr())
		first <- err
	}()
	for server.Connections() == 0 {
		time.Sleep(time.Millisecond)
	}
	second := make(chan error)
	go func() { // it shares the attempt of the first caller
		_, err := hosts.Host(bound(t), server.Addr().Addr())
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) || errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("error %v", err)
	}
	if err := <-second; err != nil {
		t.Errorf("one who gave up is another's failure: %v", err)
	}
	late, end := context.WithTimeout(t.Context(), time.Millisecond)
	defer end()
	<-late.Done()
	_, err := pool(t, server.Settings()).Host(late, server.Addr().Addr())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestHostileConnections tries connections that break or go silent while scripts run, as those of a frozen server.
func TestHostileConnections(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*remotetest.Server){
		"cut":    (*remotetest.Server).Cut,
		"silent": (*remotetest.Server).Stall,
	}
	for name, harm := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := remotetest.NewServer(t, remotetest.Options{})
			settings := server.Settings()
			settings.KeepAlive = 300 * time.Millisecond
			hosts := pool(t, settings)
			host, err := hosts.Host(bound(t), server.Addr().Addr())
			if err != nil {
				t.Fatal(err)
			}
			running := make(chan error)
			for range 3 {
				go func() {
					_, err := host.Run(bound(t), remote.Script{Name: "long", Body: "sleep 1000"})
					running <- err
				}()
			}
			for server.MostSessions() < 3 {
				time.Sleep(time.Millisecond)
			}
			harm(server)
			for range 3 {
				err := <-running
				reason(t, err, remote.ErrConnectionLost)
				says(t, err, "long")
			}
			_, err = host.Probe(bound(t), remote.Script{Name: "after"})
			reason(t, err, remote.ErrConnectionLost)
			if host, err = hosts.Host(bound(t), server.Addr().Addr()); err != nil {
				t.Fatalf("the host is not reached again: %v", err)
			}
			if _, err := host.Probe(bound(t), remote.Script{Name: "again"}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestClosedPool(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	hosts := pool(t, server.Settings())
	host, err := hosts.Host(bound(t), server.Addr().Addr())
	if err != nil {
		t.Fatal(err)
	}
	hosts.Close()
	hosts.Close()
	_, err = host.Probe(bound(t), remote.Script{Name: "late"})
	reason(t, err, remote.ErrConnectionLost)
	_, err = hosts.Host(bound(t), server.Addr().Addr())
	reason(t, err, remote.ErrConnectionLost)
}

// keyOf returns the public key that may log in to a server.
func keyOf(t *testing.T, server *remotetest.Server) ssh.PublicKey {
	t.Helper()
	signer, err := ssh.ParsePrivateKey([]byte(read(t, server.Settings().PrivateKeyPath)))
	if err != nil {
		t.Fatal(err)
	}
	return signer.PublicKey()
}

func TestJumpHosts(t *testing.T) {
	t.Parallel()
	target := remotetest.NewServer(t, remotetest.Options{})
	options := remotetest.Options{Authorized: []ssh.PublicKey{keyOf(t, target)}}
	first, second := remotetest.NewServer(t, options), remotetest.NewServer(t, options)
	known := write(t, t.TempDir()+"/known", target.KnownHostsLine()+"\n"+first.KnownHostsLine()+"\n"+second.KnownHostsLine()+"\n")
	through := func(jump string) func(*remote.Settings) {
		return func(s *remote.Settings) { s.ProxyJump, s.KnownHostsPath = jump, known }
	}
	one, two := "root@"+first.Addr().String(), "root@"+second.Addr().String()
	host := connect(t, target, through(one+","+two))
	if _, err := host.Probe(bound(t), remote.Script{Name: "here"}); err != nil {
		t.Fatal(err)
	}
	if first.Connections() != 1 || second.Connections() != 1 || target.Connections() != 1 {
		t.Errorf("connections: %d, %d, %d", first.Connections(), second.Connections(), target.Connections())
	}
	first.Cut()
	_, err := host.Probe(bound(t), remote.Script{Name: "after"})
	reason(t, err, remote.ErrConnectionLost)

	_, err = try(t, target, through(one), func(s *remote.Settings) { s.Port = closedPort(t) })
	reason(t, err, remote.ErrRefused)
	says(t, err, "via "+one, "the jump host says")
}
