package remotetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// Options is how a [Server] is to behave.
type Options struct {
	// Address is where to listen; a free port of 127.0.0.1 by default.
	Address netip.AddrPort
	// HostKey is the server's; a new one by default.
	HostKey ssh.Signer
	// Authorized are the keys that log in; by default the one that Settings uses.
	Authorized []ssh.PublicKey
	// Shell executes commands, as the last argument; sh -c by default.
	Shell []string
	// Env is added to the environment of commands.
	Env []string
	// Noise is what the login shell prints on both its outputs before each command.
	Noise string
	// Banner is shown at each login.
	Banner string
	// Opens are kinds of channels that the server asks each client for; what it makes of that, Opened tells.
	Opens []string
	// MaxSessions is how many sessions a connection may have open; any number when 0.
	MaxSessions int
	// Fault is what is wrong with the nth connection, counted from 1.
	Fault func(n int) Fault
	// Command takes the place of the shell.
	Command func(Session) Exit
}

// Server is an SSH server in this process. Everybody may become root on it by being root already.
type Server struct {
	// Dir is where commands run.
	Dir string

	tb       testing.TB
	options  Options
	listener net.Listener
	config   *ssh.ServerConfig
	key      string // path of the private key that logs in
	life     context.Context
	end      context.CancelFunc
	running  sync.WaitGroup

	mu       sync.Mutex
	accepted int
	open     map[*faultyConn]bool
	sessions int
	most     int
	opened   map[string]error
	signals  []string
}

// NewServer starts a server that ends with the test.
func NewServer(tb testing.TB, options Options) *Server {
	tb.Helper()
	s := &Server{tb: tb, options: options, open: map[*faultyConn]bool{}, Dir: tb.TempDir()}
	s.life, s.end = context.WithCancel(context.Background())
	s.key = filepath.Join(tb.TempDir(), "id_ed25519")
	signer, err := writeKey(s.key)
	if err != nil {
		tb.Fatal(err)
	}
	if options.HostKey == nil {
		s.options.HostKey = NewSigner(tb)
	}
	if options.Authorized == nil {
		s.options.Authorized = []ssh.PublicKey{signer.PublicKey()}
	}
	if options.Shell == nil {
		s.options.Shell = []string{"sh", "-c"}
	}
	s.config = s.newConfig(s.options.HostKey)
	address := "127.0.0.1:0"
	if options.Address.IsValid() {
		address = options.Address.String()
	}
	if s.listener, err = (&net.ListenConfig{}).Listen(s.life, "tcp", address); err != nil {
		tb.Fatalf("cannot listen on loopback: %v", err)
	}
	s.running.Go(s.serve)
	tb.Cleanup(s.Close)
	return s
}

// NewSigner makes a key.
func NewSigner(tb testing.TB) ssh.Signer {
	tb.Helper()
	signer, _, err := newKey()
	if err != nil {
		tb.Fatal(err)
	}
	return signer
}

func (s *Server) newConfig(hostKey ssh.Signer) *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			for _, authorized := range s.options.Authorized {
				if string(authorized.Marshal()) == string(key.Marshal()) {
					return &ssh.Permissions{}, nil
				}
			}
			return nil, errors.New("the key is not authorized")
		},
	}
	if s.options.Banner != "" {
		config.BannerCallback = func(ssh.ConnMetadata) string { return s.options.Banner }
	}
	config.AddHostKey(hostKey)
	return config
}

// LoginKey is the private key that logs in.
func (s *Server) LoginKey() string {
	s.tb.Helper()
	content, err := os.ReadFile(s.key)
	if err != nil {
		s.tb.Fatal(err)
	}
	return string(content)
}

// Addr is where the server listens.
func (s *Server) Addr() netip.AddrPort {
	return s.listener.Addr().(*net.TCPAddr).AddrPort()
}

// HostKey is the server's public key.
func (s *Server) HostKey() ssh.PublicKey { return s.options.HostKey.PublicKey() }

// KnownHostsLine is the server's line in known_hosts.
func (s *Server) KnownHostsLine() string {
	return knownhosts.Line([]string{s.Addr().String()}, s.HostKey())
}

// patience is how long a server may take on a busy machine before that is a failure.
const patience = time.Minute

// Settings gives what connects to the server, and to nothing of the user's.
func (s *Server) Settings() remote.Settings {
	s.tb.Helper()
	known := filepath.Join(s.tb.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte(s.KnownHostsLine()+"\n"), 0o600); err != nil {
		s.tb.Fatal(err)
	}
	return remote.Settings{
		User: "root", Port: s.Addr().Port(), PrivateKeyPath: s.key, KnownHostsPath: known,
		ConfigPath: remote.None, AgentSocket: remote.None, Home: s.tb.TempDir(),
		ConnectTimeout: patience, KeepAlive: patience,
	}
}

// Connections is how many connections there have been.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Sessions is how many sessions there are: with one that was cut, until its command has ended, too.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

// MostSessions is how many sessions there have been at once, on all connections together.
func (s *Server) MostSessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Cut closes all connections at once, as a host does that loses its power.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		conn.Close() //nolint:errcheck // that is the point
	}
}

// Stall makes all connections go silent without closing them, as a broken network does.
func (s *Server) Stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		conn.stall()
	}
}

// Close ends the server and everything on it.
func (s *Server) Close() {
	s.end()
	s.listener.Close() //nolint:errcheck // it is over
	s.Cut()
	s.running.Wait()
}

func (s *Server) serve() {
	for {
		raw, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.accepted++
		var fault Fault
		if s.options.Fault != nil {
			fault = s.options.Fault(s.accepted)
		}
		conn := newFaultyConn(raw, fault)
		s.open[conn] = true
		s.mu.Unlock()
		if s.life.Err() != nil {
			conn.Close() //nolint:errcheck // it came too late
		}
		s.running.Go(func() {
			s.handle(conn, fault)
			conn.Close() //nolint:errcheck // it is over
			s.mu.Lock()
			delete(s.open, conn)
			s.mu.Unlock()
		})
	}
}

func (s *Server) handle(conn *faultyConn, fault Fault) {
	if fault.Drop {
		return
	}
	if fault.Says != "" {
		io.WriteString(conn, fault.Says) //nolint:errcheck // the connection would be over
	}
	if fault.Stall {
		conn.stall()
	}
	config := s.config
	if fault.HostKey != nil {
		config = s.newConfig(fault.HostKey)
	}
	client, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	s.ask(client)
	var sessions sync.WaitGroup
	open := &counter{}
	for channel := range channels {
		switch channel.ChannelType() {
		case "session":
			if !open.take(s.options.MaxSessions) {
				channel.Reject(ssh.ConnectionFailed, "open failed") //nolint:errcheck // as sshd says it
				continue
			}
			sessions.Go(func() {
				defer open.give()
				s.session(channel)
			})
		case "direct-tcpip":
			sessions.Go(func() { s.forward(channel) })
		default:
			channel.Reject(ssh.UnknownChannelType, fmt.Sprint(channel.ChannelType())) //nolint:errcheck // as above
		}
	}
	client.Close() //nolint:errcheck // it is over
	sessions.Wait()
}
