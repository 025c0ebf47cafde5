package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh/agent"
)

// agentWait bounds each answer while the agent lists its keys. ConnectTimeout lowers it.
const agentWait = 10 * time.Second

// sshAgent is the user's SSH agent. It is queried once; its connection is then shared by all logins.
type sshAgent struct {
	socket string
	// wait bounds listing the keys, and sign bounds each signature: the agent may ask its user to confirm it.
	wait, sign time.Duration
	// note receives a message when the agent hangs, so that the user knows why the run was slow.
	note func(string)

	// once guards held and err.
	once sync.Once
	held []key
	err  error

	// mu guards conn and closed: close may run while ask connects.
	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

// keys returns the keys that the agent holds. The error is also part of the notes of a login that fails for lack of a key.
func (a *sshAgent) keys() ([]key, error) {
	a.once.Do(func() {
		if a.socket == None {
			return
		}
		if a.held, a.err = a.ask(); a.err == nil {
			return
		}
		a.close()
		var network net.Error
		if !errors.As(a.err, &network) || !network.Timeout() {
			a.err = fmt.Errorf("the SSH agent does not answer: %w", a.err) // such as a stale socket; no note, since nothing was waited for
			return
		}
		a.err = fmt.Errorf("the SSH agent at %s has not answered for %s", a.socket, a.wait)
		a.note(a.err.Error() + ": going on without it")
	})
	return a.held, a.err
}

// ask connects to the agent and lists its keys.
func (a *sshAgent) ask() ([]key, error) {
	// The keys are for all hosts, so the end of one host's context does not end this.
	conn, err := (&net.Dialer{Timeout: a.wait}).DialContext(context.Background(), "unix", a.socket)
	if err != nil {
		return nil, err
	}
	timed := &timedConn{Conn: conn, wait: a.wait}
	a.mu.Lock()
	a.conn = timed
	closed := a.closed
	a.mu.Unlock()
	if closed {
		return nil, errors.Join(errClosed, conn.Close())
	}
	client := agent.NewClient(timed)
	// The comments of keys are in the list only; signers have none.
	listed, err := client.List()
	if err != nil {
		return nil, timed.explain(err)
	}
	signers, err := client.Signers()
	if err != nil {
		return nil, timed.explain(err)
	}
	timed.wait = a.sign // from here on the agent only signs; no other goroutine has the connection yet
	var held []key
	for i, signer := range signers {
		name := "agent key"
		if i < len(listed) && listed[i].Comment != "" {
			name += " " + listed[i].Comment
		}
		held = append(held, key{Signer: signer, name: name})
	}
	return held, nil
}

// close closes the connection to the agent, and prevents a new one.
func (a *sshAgent) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.conn != nil {
		a.conn.Close()
	}
}

// timedConn limits the time between a request and its answer.
type timedConn struct {
	net.Conn

	// late is the timeout that Read has seen.
	wait time.Duration
	late error
}

// Read implements net.Conn. It remembers a timeout for explain.
func (c *timedConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.late = err
	}
	return n, err
}

// explain returns the timeout behind err, if there was one: the agent client reduces it to text, without wrapping it.
func (c *timedConn) explain(err error) error { return cmp.Or(c.late, err) }

// Write implements net.Conn. Each write is a request, and starts the time for its answer.
func (c *timedConn) Write(data []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.wait)); err != nil {
		return 0, err
	}
	return c.Conn.Write(data)
}
