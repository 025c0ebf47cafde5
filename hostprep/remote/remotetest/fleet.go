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
)

// Ailment is what is wrong with a host of a [Fleet]; the zero value is nothing.
type Ailment string

// The ailments.
const (
	// Refuses has nothing that listens.
	Refuses Ailment = "refuses"
	// Hangs takes connections and says nothing.
	Hangs Ailment = "hangs"
	// Drops closes the connection in the middle of every answer.
	Drops Ailment = "drops"
	// Stalls says nothing any more from the middle of every answer on.
	Stalls Ailment = "stalls"
	// Differs shows another key than the one that is known of it.
	Differs Ailment = "differs"
)

// Member is one host of a [Fleet].
type Member struct {
	Address netip.AddrPort
	Ailment Ailment
}

// Scripted is a script that the hosts of a [Fleet] know.
type Scripted struct {
	Name string
	Body string
	// Holds says that the script goes on for as long as its input does.
	Holds bool
	// Reply gives what the script answers on a host. It is called by many goroutines.
	Reply func(host netip.Addr, args []string) *Reply
}

// Asked is something that a host was told to execute.
type Asked struct {
	Host netip.Addr
	// Name is that of a [Scripted]; empty for everything else, which is in What.
	Name, What string
}

// Fleet is many hosts in one process. It is as cheap as an SSH server can be, since it is measured with what
// talks to it: it executes nothing and says what it was given to say. What it was not given to say fails, but
// for true and head -c N /dev/zero.
type Fleet struct {
	scripts    map[string]*Scripted // by their bodies, as they are sent
	authorized []byte
	listeners  []net.Listener
	life       context.Context
	end        context.CancelFunc
	running    sync.WaitGroup

	mu    sync.Mutex
	open  map[*faultyConn]bool
	asked []Asked
}

// The files that [NewFleet] writes.
const (
	// LoginKey is the private key of root.
	LoginKey = "id_ed25519"
	// KnownHosts has the keys of all hosts.
	KnownHosts = "known_hosts"
)

// NewFleet starts hosts, and writes to a directory what is needed to log in to them.
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

// start starts a host and gives its line of known_hosts.
func (f *Fleet) start(member *Member) (string, error) {
	key, _, err := newKey()
	if err != nil {
		return "", err
	}
	line := knownhosts.Line([]string{member.Address.String()}, key.PublicKey())
	switch member.Ailment {
	case Refuses:
		return line, nil
	case Differs:
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

// Close ends all hosts.
func (f *Fleet) Close() {
	f.end()
	for _, listener := range f.listeners {
		listener.Close() //nolint:errcheck // it is over
	}
	f.mu.Lock()
	for conn := range f.open {
		conn.Close() //nolint:errcheck // as above
	}
	f.mu.Unlock()
	f.running.Wait()
}

// Asked is all that was asked of the hosts.
func (f *Fleet) Asked() []Asked {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Asked(nil), f.asked...)
}

func (f *Fleet) note(asked Asked) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, asked)
}

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
			conn.Close() //nolint:errcheck // it is over
			f.mu.Lock()
			delete(f.open, conn)
			f.mu.Unlock()
		})
	}
}

// converse serves one connection.
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
			offered.Reject(ssh.UnknownChannelType, offered.ChannelType()) //nolint:errcheck // the connection would be over
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

// conversation is a session and what it is with.
type conversation struct {
	member  *Member
	conn    *faultyConn
	channel ssh.Channel
}

// serve serves one session, which is one command. As with sshd, it may get a terminal and an environment: where
// it does not, the client of OpenSSH now and then ends with 255 when it shares a connection, as Ansible has it do.
func (f *Fleet) serve(c *conversation, requests <-chan *ssh.Request) {
	for request := range requests {
		var command struct{ Line string }
		isExec := request.Type == "exec" && ssh.Unmarshal(request.Payload, &command) == nil
		if request.WantReply {
			request.Reply(isExec || request.Type == "pty-req" || request.Type == "env", nil) //nolint:errcheck // the session would be over
		}
		if !isExec {
			continue
		}
		go ssh.DiscardRequests(requests)
		status := f.execute(c, command.Line)
		c.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status})) //nolint:errcheck // as above
		c.channel.CloseWrite()                                                                    //nolint:errcheck // as above
		c.channel.Close()                                                                         //nolint:errcheck // as above
		return
	}
}
