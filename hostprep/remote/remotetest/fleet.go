package remotetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// Ailment is a fault of a host of a [Fleet]. The zero value is a host without a fault.
type Ailment string

// Faults of hosts.
const (
	// Refuses means that nothing listens at the address.
	Refuses Ailment = "refuses"
	// Hangs accepts connections and sends nothing.
	Hangs Ailment = "hangs"
	// Drops closes the connection in the middle of every answer.
	Drops Ailment = "drops"
	// Stalls stops sending in the middle of every answer.
	Stalls Ailment = "stalls"
	// Differs shows another host key than the one in known_hosts.
	Differs Ailment = "differs"
)

// Member is one host of a [Fleet].
type Member struct {
	// Address is unique: known_hosts lists each host under its address and port.
	Address netip.AddrPort
	Ailment Ailment
}

// Scripted is a script that the hosts of a [Fleet] recognize by its body.
type Scripted struct {
	// Name identifies the script in [Asked]. Body is the exact body of the script that is recognized.
	Name string
	Body string
	// Holds marks a script that runs for as long as its input does.
	Holds bool
	// Reply returns a host's answers to the script. It must be safe for concurrent use.
	Reply func(host netip.Addr, args remote.Args) *Reply
}

// Asked records a command that a host received.
type Asked struct {
	// Host is the address of the host that received the command.
	Host netip.Addr
	// Name is the name of a [Scripted]. For any other command it is empty, and What holds the command.
	Name, What string
}

// Fleet is many hosts in one process. It is part of what is measured, so it is as cheap as an SSH server can be: it executes
// nothing and sends prepared replies. Unknown commands fail, except for true and head -c N /dev/zero.
type Fleet struct {
	scripts    map[string]*Scripted // by body, in the form in which it is sent
	authorized []byte               // the public key that may log in, marshaled
	listeners  []net.Listener
	life       context.Context
	end        context.CancelFunc
	running    sync.WaitGroup

	mu    sync.Mutex // guards open and asked
	open  map[*faultyConn]bool
	asked []Asked
}

// Files that [NewFleet] writes.
const (
	// LoginKey is the private key that logs in, as any user.
	LoginKey = "id_ed25519"
	// KnownHosts lists the keys of all hosts.
	KnownHosts = "known_hosts"
)

// NewFleet starts hosts, and writes [LoginKey] and [KnownHosts] to dir. Call Close to stop them.
func NewFleet(dir string, members []Member, scripts []Scripted) (*Fleet, error) {
	f := &Fleet{scripts: map[string]*Scripted{}, open: map[*faultyConn]bool{}}
	f.life, f.end = context.WithCancel(context.Background())
	for i := range scripts {
		f.scripts[sent(scripts[i].Body)] = &scripts[i]
	}
	login, err := writeKey(filepath.Join(dir, LoginKey))
	if err != nil {
		return nil, err
	}
	// One key logs in to all hosts.
	f.authorized = login.PublicKey().Marshal()
	var known bytes.Buffer
	for i := range members {
		line, err := f.start(&members[i])
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("cannot start host %s: %w", members[i].Address, err)
		}
		fmt.Fprintln(&known, line)
	}
	return f, os.WriteFile(filepath.Join(dir, KnownHosts), known.Bytes(), 0o600)
}

// start starts a host and returns its known_hosts line.
func (f *Fleet) start(member *Member) (string, error) {
	key, _, err := newKey()
	if err != nil {
		return "", err
	}
	line := knownhosts.Line([]string{member.Address.String()}, key.PublicKey())
	switch member.Ailment {
	case Refuses:
		return line, nil
	case Differs: // known_hosts keeps the first key
		// The generated known_hosts line has the first key; the host shows the second.
		if key, _, err = newKey(); err != nil {
			return "", err
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(f.life, "tcp", member.Address.String())
	if err != nil {
		return "", err
	}
	f.listeners = append(f.listeners, listener)
	f.running.Go(func() { f.accept(listener, f.config(key), member) })
	return line, nil
}

// Close stops all hosts and waits for their goroutines.
func (f *Fleet) Close() {
	f.end()
	for _, listener := range f.listeners {
		listener.Close()
	}
	f.mu.Lock()
	for conn := range f.open {
		conn.Close()
	}
	f.mu.Unlock()
	f.running.Wait()
}

// Asked returns the commands that the hosts received, oldest first.
func (f *Fleet) Asked() []Asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Asked(nil), f.asked...)
}

// note records a command.
func (f *Fleet) note(asked Asked) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, asked)
}

// config returns the server configuration of a host with the given key.
func (f *Fleet) config(key ssh.Signer) *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(key.Marshal(), f.authorized) {
				return nil, errors.New("the key is not authorized")
			}
			return &ssh.Permissions{}, nil
		},
	}
	config.AddHostKey(key)
	return config
}

// accept serves a host's connections until its listener is closed.
func (f *Fleet) accept(listener net.Listener, config *ssh.ServerConfig, member *Member) {
	for {
		raw, err := listener.Accept()
		if err != nil {
			return
		}
		conn := newFaultyConn(raw, Fault{})
		f.mu.Lock()
		f.open[conn] = true
		f.mu.Unlock()
		f.running.Go(func() {
			f.converse(conn, config, member)
			conn.Close() // the client may have closed it already
			f.mu.Lock()
			delete(f.open, conn)
			f.mu.Unlock()
		})
	}
}

// converse serves one connection until it ends.
func (f *Fleet) converse(conn *faultyConn, config *ssh.ServerConfig, member *Member) {
	if member.Ailment == Hangs {
		conn.stall()
	}
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	var sessions sync.WaitGroup
	for offered := range channels {
		if offered.ChannelType() != "session" {
			offered.Reject(ssh.UnknownChannelType, offered.ChannelType())
			continue
		}
		sessions.Go(func() {
			if channel, requests, err := offered.Accept(); err == nil {
				f.serve(&conversation{member: member, conn: conn, channel: channel}, requests)
			}
		})
	}
	sessions.Wait()
}

// conversation is a session, with its host and connection.
type conversation struct {
	member  *Member
	conn    *faultyConn
	channel ssh.Channel
}

// serve serves one session, which is one command. It accepts terminals and environments, as sshd does: otherwise OpenSSH's
// client sporadically exits with 255 when it shares a connection, which is how Ansible uses it.
func (f *Fleet) serve(c *conversation, requests <-chan *ssh.Request) {
	for request := range requests {
		var command struct{ Line string }
		isExec := request.Type == "exec" && ssh.Unmarshal(request.Payload, &command) == nil
		if request.WantReply {
			request.Reply(isExec || request.Type == "pty-req" || request.Type == "env", nil)
		}
		if !isExec {
			continue
		}
		go ssh.DiscardRequests(requests)
		status := f.execute(c, command.Line)
		c.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
		c.channel.CloseWrite()
		c.channel.Close()
		return
	}
}
