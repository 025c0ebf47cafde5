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

// Options configures a [Server]. The zero value is a well-behaved server.
type Options struct {
	// Address is the address to listen at; a free port of 127.0.0.1 by default.
	Address netip.AddrPort
	// HostKey is the server's host key; a new one by default.
	HostKey ssh.Signer
	// Authorized lists the keys that may log in; by default the one in Settings.
	Authorized []ssh.PublicKey
	// Shell is the login shell: commands are appended to it as the last argument; sh -c by default.
	Shell []string
	// Env is added to the environment of commands.
	Env []string
	// Noise is printed to both outputs before each command, as by a login shell.
	Noise string
	// Banner is shown at each login.
	Banner string
	// Opens lists the kinds of channels that the server requests from each client. Opened returns the answers.
	Opens []string
	// MaxSessions limits the open sessions of a connection; 0 means unlimited.
	MaxSessions int
	// Fault returns the fault of the nth connection, counted from 1.
	Fault func(n int) Fault
	// Command replaces the shell.
	Command func(Session) Exit
}

// Server is an SSH server in the test's process. It does not change users: a user name is not checked.
type Server struct {
	// Dir is the working directory of commands.
	Dir string

	tb       testing.TB
	options  Options
	listener net.Listener
	config   *ssh.ServerConfig
	key      string // path of the private key that may log in
	life     context.Context
	end      context.CancelFunc
	running  sync.WaitGroup

	mu       sync.Mutex // guards what follows
	accepted int
	open     map[*faultyConn]bool
	sessions int // open now
	most     int // open at once, at most
	opened   map[string]error
	signals  []string
}

// NewServer starts a server that stops when the test ends.
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
	tb.Cleanup(s.close)
	return s
}

// NewSigner generates a key.
func NewSigner(tb testing.TB) ssh.Signer {
	tb.Helper()
	signer, _, err := newKey()
	if err != nil {
		tb.Fatal(err)
	}
	return signer
}

// newConfig returns the server configuration with the given host key.
func (s *Server) newConfig(hostKey ssh.Signer) *ssh.ServerConfig {
	// Password and keyboard-interactive logins are not offered: package remote uses keys only.
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

// LoginKey returns the content of the private key file that Settings names.
func (s *Server) LoginKey() string {
	s.tb.Helper()
	content, err := os.ReadFile(s.key)
	if err != nil {
		s.tb.Fatal(err)
	}
	return string(content)
}

// Addr returns the address at which the server listens.
func (s *Server) Addr() netip.AddrPort {
	return s.listener.Addr().(*net.TCPAddr).AddrPort()
}

// HostKey returns the server's public host key.
func (s *Server) HostKey() ssh.PublicKey { return s.options.HostKey.PublicKey() }

// KnownHostsLine returns the server's known_hosts line.
func (s *Server) KnownHostsLine() string {
	return knownhosts.Line([]string{s.Addr().String()}, s.HostKey())
}

// patience is the timeout of clients. It is long, because the machine that runs the tests may be busy.
const patience = time.Minute

// Settings returns settings that connect to this server and ignore the user's SSH configuration.
func (s *Server) Settings() remote.Settings {
	s.tb.Helper()
	known := filepath.Join(s.tb.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte(s.KnownHostsLine()+"\n"), 0o600); err != nil {
		s.tb.Fatal(err)
	}
	// Everything of the user's own environment is excluded: configuration file, agent, home directory.
	return remote.Settings{
		User: "root", Port: s.Addr().Port(), PrivateKeyPath: s.key, KnownHostsPath: known,
		ConfigPath: remote.None, AgentSocket: remote.None, Home: s.tb.TempDir(),
		ConnectTimeout: patience, KeepAlive: patience,
	}
}

// Connections returns the number of connections that the server has accepted.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Sessions returns the number of sessions. A session whose connection was cut counts until its command has ended.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

// MostSessions returns the highest number of concurrent sessions so far, over all connections.
func (s *Server) MostSessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Cut closes all connections at once, as a host does that loses power.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		conn.Close() // the connections fail on purpose
	}
}

// Stall makes all connections silent without closing them, as a broken network does.
func (s *Server) Stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		conn.stall()
	}
}

// close stops the server and waits for its goroutines.
func (s *Server) close() {
	s.end()
	s.listener.Close()
	s.Cut()
	s.running.Wait()
}

// serve accepts connections until the listener is closed.
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
		// A connection that was accepted while Close ran is not in s.open when Cut goes through it.
		if s.life.Err() != nil {
			conn.Close() // close has closed the other connections already
		}
		s.running.Go(func() {
			s.handle(conn, fault)
			conn.Close() // the client may have closed it already
			s.mu.Lock()
			delete(s.open, conn)
			s.mu.Unlock()
		})
	}
}

// handle serves one connection, with its fault.
func (s *Server) handle(conn *faultyConn, fault Fault) {
	if fault.Drop {
		return
	}
	if fault.Says != "" {
		io.WriteString(conn, fault.Says) // it fails only once the connection is over
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
				channel.Reject(ssh.ConnectionFailed, "open failed")
				continue
			}
			sessions.Go(func() {
				defer open.give()
				s.session(channel)
			})
		case "direct-tcpip":
			sessions.Go(func() { s.forward(channel) })
		default:
			channel.Reject(ssh.UnknownChannelType, fmt.Sprint(channel.ChannelType()))
		}
	}
	client.Close()
	// Sessions that still run are waited for, so that Close leaves no process behind.
	sessions.Wait()
}
