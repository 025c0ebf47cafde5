package remote_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// reason fails the test unless the error has the wanted reason, a hint, and none of the other reasons.
func reason(t *testing.T, err, want error) {
	t.Helper()
	for _, each := range []error{
		remote.ErrNoRoute, remote.ErrRefused, remote.ErrHostKeyUnknown, remote.ErrHostKeyChanged, remote.ErrHostKeyRevoked,
		remote.ErrAuthentication, remote.ErrSudo, remote.ErrConnectionLost, remote.ErrTimeout, remote.ErrProtocol,
	} {
		if is := errors.Is(err, each); is != errors.Is(want, each) {
			t.Errorf("the error is %q: %t: %v", each, is, err)
		}
	}
	var hinted interface{ Hint() string }
	if !errors.Is(err, remote.ErrUnreachable) || !errors.As(err, &hinted) || hinted.Hint() == "" {
		t.Errorf("the host is not unreachable, or there is no hint: %v", err)
	}
}

// unreachable describes a host that cannot be reached, and the expected error.
type unreachable struct {
	options remotetest.Options
	change  func(*remote.Settings)
	want    error
	says    []string
}

// TestHostileSSHServers tries SSH servers that drop or stall connections, show another key, or reject every login.
func TestHostileSSHServers(t *testing.T) {
	t.Parallel()
	short := func(s *remote.Settings) { s.ConnectTimeout = time.Second }
	areNotReached(t, map[string]unreachable{
		"always dropped before the banner": {
			options: remotetest.Options{Fault: func(int) remotetest.Fault { return remotetest.Fault{Drop: true} }},
			change:  short, want: remote.ErrConnectionLost,
		},
		"stalls at the handshake": {
			options: remotetest.Options{Fault: func(int) remotetest.Fault { return remotetest.Fault{Stall: true} }},
			change:  short, want: remote.ErrTimeout,
		},
		"shows another key": {
			options: remotetest.Options{Fault: func(int) remotetest.Fault { return remotetest.Fault{HostKey: remotetest.NewSigner(t)} }},
			want:    remote.ErrHostKeyChanged, says: []string{"known_hosts:1 has ssh-ed25519 SHA256:", "it shows ssh-ed25519 SHA256:"},
		},
		"lets nobody in": {
			options: remotetest.Options{Authorized: []ssh.PublicKey{}},
			want:    remote.ErrAuthentication, says: []string{"id_ed25519 (ssh-ed25519 SHA256:", "it takes publickey"},
		},
	})
}

func TestConnectionErrors(t *testing.T) {
	t.Parallel()
	areNotReached(t, map[string]unreachable{
		"nothing listens": {
			change: func(s *remote.Settings) { s.Port = closedPort(t) },
			want:   remote.ErrRefused, says: []string{"cannot connect to root@127.0.0.1:"},
		},
		"is unknown": {
			change: func(s *remote.Settings) { s.KnownHostsPath = write(t, t.TempDir()+"/none", "") },
			want:   remote.ErrHostKeyUnknown, says: []string{"it shows ssh-ed25519 SHA256:"},
		},
		"there is no key": {
			change: func(s *remote.Settings) { s.PrivateKeyPath = "/does/not/exist" },
			want:   remote.ErrAuthentication, says: []string{"there is no key to try", "/does/not/exist: no such file"},
		},
		"no such jump host": {
			change: func(s *remote.Settings) { s.ProxyJump = fmt.Sprintf("root@127.0.0.1:%d", closedPort(t)) },
			want:   remote.ErrRefused,
		},
	})
}

// areNotReached checks that each host cannot be reached, in a subtest per host.
func areNotReached(t *testing.T, tests map[string]unreachable) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.change == nil {
				test.change = func(*remote.Settings) {}
			}
			server := remotetest.NewServer(t, test.options)
			_, err := try(t, server, test.change)
			reason(t, err, test.want)
			says(t, err, test.says...)
			permanent := !errors.Is(err, remote.ErrConnectionLost)
			if got := server.Connections(); permanent && got > 1 {
				t.Errorf("tried %d times", got)
			} else if !permanent && got < 2 {
				t.Error("tried only once")
			}
		})
	}
}

// closedPort returns a port on which nothing listens.
func closedPort(t *testing.T) uint16 {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).AddrPort().Port()
}

func TestDroppedConnectionsAreTriedAgain(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{Fault: func(n int) remotetest.Fault {
		return remotetest.Fault{Drop: n <= 3}
	}})
	connect(t, server)
	if got := server.Connections(); got != 4 {
		t.Errorf("%d connections, want 4", got)
	}
}

// Half of all connections are dropped, as beyond MaxStartups. Retries reach all hosts nevertheless.
func TestRandomDrops(t *testing.T) {
	t.Parallel()
	seeded := rand.New(rand.NewPCG(1, 2))
	server := remotetest.NewServer(t, remotetest.Options{Fault: func(int) remotetest.Fault {
		return remotetest.Fault{Drop: seeded.IntN(2) == 0}
	}})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := try(t, server); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A rejected login is never retried: retries might lock the account.
func TestRejectedLoginsAreNotRepeated(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{Authorized: []ssh.PublicKey{}})
	hosts := pool(t, server.Settings())
	for range 3 {
		_, err := hosts.Host(bound(t), server.Addr().Addr())
		reason(t, err, remote.ErrAuthentication)
	}
	if got := server.Connections(); got != 1 {
		t.Errorf("%d connections", got)
	}
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{Address: netip.MustParseAddrPort("[::1]:0")})
	host := connect(t, server)
	if _, err := host.Probe(bound(t), remote.Script{Name: "here", Body: "answer a true"}); err != nil {
		t.Error(err)
	}
	_, err := try(t, server, func(s *remote.Settings) { s.Port = closedPort(t) })
	says(t, err, "cannot connect to root@[::1]:")
	jump := remotetest.NewServer(t, remotetest.Options{Authorized: []ssh.PublicKey{keyOf(t, server)}})
	connect(t, server, func(s *remote.Settings) {
		s.ProxyJump = "root@" + jump.Addr().String()
		s.KnownHostsPath = write(t, t.TempDir()+"/known", server.KnownHostsLine()+"\n"+jump.KnownHostsLine()+"\n")
	})
}
