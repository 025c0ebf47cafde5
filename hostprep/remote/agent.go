package remote

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh/agent"
)

// agentWait is how long the agent may take to say which keys it holds.
const agentWait = 10 * time.Second

// sshAgent is the user's, which is asked once and then shared.
type sshAgent struct {
	socket string
	// wait is how long it may take to say what it holds, and sign how long to sign: it may ask its user.
	wait, sign time.Duration
	// note is told when it is of no use.
	note func(string)

	once sync.Once
	held []key
	err  error

	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

// keys gives what the agent holds. That it does not answer is also told where no key fits.
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
			a.err = fmt.Errorf("the SSH agent does not answer: %w", a.err) // as one that is not there any more
			return
		}
		a.err = fmt.Errorf("the SSH agent at %s has not answered for %s", a.socket, a.wait)
		a.note(a.err.Error() + ": going on without it")
	})
	return a.held, a.err
}

// ask asks which keys it holds.
func (a *sshAgent) ask() ([]key, error) {
	conn, err := net.DialTimeout("unix", a.socket, a.wait) //nolint:noctx // a local socket
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
	listed, err := client.List()
	if err != nil {
		return nil, timed.explain(err)
	}
	signers, err := client.Signers()
	if err != nil {
		return nil, timed.explain(err)
	}
	timed.wait = a.sign // from here on it signs; nobody else has it yet
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

// close ends the conversation with the agent, and makes sure that there will be none.
func (a *sshAgent) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.conn != nil {
		a.conn.Close() //nolint:errcheck // nothing was written that could be lost
	}
}

// timedConn is a conversation in which each question has to be answered in time.
type timedConn struct {
	net.Conn

	wait time.Duration
	late error
}

// Read implements net.Conn.
func (c *timedConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.late = err
	}
	return n, err
}

// explain gives why a question failed: the client for agents says it in words only.
func (c *timedConn) explain(err error) error { return cmp.Or(c.late, err) }

// Write implements net.Conn: it is a question.
func (c *timedConn) Write(data []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.wait)); err != nil {
		return 0, err
	}
	return c.Conn.Write(data)
}
