package remote_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// reason fails the test unless the error has this reason, a hint, and none of the other reasons.
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

func TestConnectionErrors(t *testing.T) {
	t.Parallel()
	short := func(s *remote.Settings) { s.ConnectTimeout = time.Second }
	tests := map[string]struct {
		options remotetest.Options
		change  func(*remote.Settings)
		want    error
		says    []string
	}{
		"nothing listens": {
			change: func(s *remote.Settings) { s.Port = closedPort(t) },
			want:   remote.ErrRefused, says: []string{"cannot connect to root@127.0.0.1:"},
		},
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
		"is unknown": {
			change: func(s *remote.Settings) { s.KnownHostsPath = write(t, t.TempDir()+"/none", "") },
			want:   remote.ErrHostKeyUnknown, says: []string{"it shows ssh-ed25519 SHA256:"},
		},
		"lets nobody in": {
			options: remotetest.Options{Authorized: []ssh.PublicKey{}},
			want:    remote.ErrAuthentication, says: []string{"id_ed25519 (ssh-ed25519 SHA256:", "it takes publickey"},
		},
		"there is no key": {
			change: func(s *remote.Settings) { s.PrivateKeyPath = "/does/not/exist" },
			want:   remote.ErrAuthentication, says: []string{"there is no key to try", "/does/not/exist: no such file"},
		},
		"no such jump host": {
			change: func(s *remote.Settings) { s.ProxyJump = fmt.Sprintf("root@127.0.0.1:%d", closedPort(t)) },
			want:   remote.ErrRefused,
		},
	}
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

// closedPort is one that nothing listens on.
func closedPort(t *testing.T) uint16 {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // that is the point
	return listener.Addr().(*net.TCPAddr).AddrPort().Port()
}

// listen says a text to whoever connects, then closes the connection or not, and counts.
func listen(t *testing.T, text string, hold bool) (port uint16, connections *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = &atomic.Int32{}
	var open sync.WaitGroup
	t.Cleanup(func() {
		listener.Close() //nolint:errcheck // it is over
		open.Wait()
	})
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			io.WriteString(conn, text) //nolint:errcheck // nobody may listen
			if hold {
				open.Go(func() {
					io.Copy(io.Discard, conn) //nolint:errcheck // its end is an end
					conn.Close()              //nolint:errcheck // it is over
				})
				continue
			}
			conn.Close() //nolint:errcheck // it is over
		}
	})
	return listener.Addr().(*net.TCPAddr).AddrPort().Port(), connections
}

// What is no SSH server is told to be none, with what it says, and is not tried again. What turned a connection away
// before it said anything may be sshd that has too many of them, or says so.
func TestSomethingElseListens(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	const noServer = "what listens there is no SSH server: it says "
	tests := map[string]struct {
		text  string
		want  error
		says  string
		again bool
	}{
		"HTTP": {
			"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", remote.ErrProtocol, noServer + `"HTTP/1.1 400 Bad Request\r"`, false,
		},
		"mail": {
			"220 mail.example.org ESMTP \x1b[31m\r\n", remote.ErrProtocol, noServer + `"220 mail.example.org ESMTP \x1b[31m\r"`, false,
		},
		"TLS":                  {"\x15\x03\x01\x00\x02\x02\x16", remote.ErrProtocol, noServer + `"\x15\x03\x01\x00\x02\x02\x16"`, false},
		"a text":               {"who are you?\n", remote.ErrProtocol, noServer + `"who are you?"`, false},
		"a text that ends not": {strings.Repeat("what? ", 10_000), remote.ErrProtocol, noServer, false},
		"lines that end not":   {strings.Repeat("what?\n", 10_000), remote.ErrProtocol, noServer + `"what?"`, false},
		"SSH, then HTTP":       {"SSH-2.0-nonsense\r\nHTTP/1.1 400 this is no SSH server\r\n\r\n", remote.ErrProtocol, "too large", false},
		"too many":             {"Exceeded MaxStartups\r\n", remote.ErrConnectionLost, "closed the connection", true},
		"penalty":              {"Not allowed at this time\r\n", remote.ErrConnectionLost, "closed the connection", true},
		"nothing":              {"", remote.ErrConnectionLost, "closed the connection", true},
	}
	for name, test := range tests {
		for _, hold := range []bool{false, true} {
			if hold && test.again {
				continue // it is too slow, which is something else
			}
			t.Run(fmt.Sprint(name, " held ", hold), func(t *testing.T) {
				t.Parallel()
				port, connections := listen(t, test.text, hold)
				timeout := time.Minute // is not waited for
				if test.again {
					timeout = 100 * time.Millisecond
				}
				_, err := try(t, server, func(s *remote.Settings) { s.Port, s.ConnectTimeout = port, timeout })
				reason(t, err, test.want)
				says(t, err, test.says)
				if strings.Contains(err.Error(), "closed network connection") {
					t.Errorf("the error tells nobody anything: %v", err)
				}
				if got := connections.Load(); (got > 1) != test.again {
					t.Errorf("it was connected to %d times: %v", got, err)
				}
			})
		}
	}
}

// What names itself as an SSH server does and then says something else is told so, not how this side noticed.
func TestJunkBehindTheVersion(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	for name, text := range map[string]string{
		"no kex": "SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x14aaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"cut":    "SSH-2.0-x\r\n\x00\x00\x00\x0c", "old": "SSH-1.5-x\r\n",
	} {
		for _, hold := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " held ", hold), func(t *testing.T) {
				t.Parallel()
				port, _ := listen(t, text, hold)
				_, err := try(t, server, func(s *remote.Settings) { s.Port, s.ConnectTimeout = port, 200*time.Millisecond })
				if !errors.Is(err, remote.ErrUnreachable) || strings.Contains(err.Error(), "closed network connection") {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}

// A server may say something before it names its version (RFC 4253, section 4.2).
func TestLinesBeforeTheVersion(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"a line": "welcome\r\n", "more": "this is\n\tb\u00fccher\n\n", "S": "S\nSS\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connect(t, remotetest.NewServer(t, remotetest.Options{Fault: func(int) remotetest.Fault { return remotetest.Fault{Says: text} }}))
		})
	}
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

// Half of all connections are dropped, as beyond MaxStartups, and all hosts are reached all the same.
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

// A rejected login is not tried again, by nobody: it might lock the account.
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
