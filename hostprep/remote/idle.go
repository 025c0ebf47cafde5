package remote

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// idleConn is a byte stream that knows when something came last. A host that is sent much, and is busy with
// it, answers a question late; as long as it takes what it is sent, it is there all the same. It also listens to how
// the other side begins.
type idleConn struct {
	net.Conn

	last     atomic.Int64 // in nanoseconds since the epoch
	greeting greeting
	// greeted and ahead, which has been read and not been asked for, are of the one goroutine that reads.
	greeted bool
	ahead   []byte
}

func newIdleConn(conn net.Conn) *idleConn {
	p := &idleConn{Conn: conn}
	p.last.Store(time.Now().UnixNano())
	return p
}

// greetingRead is how much of a greeting is read at once.
const greetingRead = 512

// errNoSSH is the end of a conversation with something that does not speak SSH.
var errNoSSH = errors.New("the other side does not speak SSH")

// Read implements net.Conn.
func (p *idleConn) Read(data []byte) (int, error) {
	if len(p.ahead) > 0 {
		n := copy(data, p.ahead)
		p.ahead = p.ahead[n:]
		return n, nil
	}
	if !p.greeted {
		return p.readGreeting(data)
	}
	n, err := p.Conn.Read(data)
	if n > 0 {
		p.last.Store(time.Now().UnixNano())
	}
	return n, err
}

// readGreeting reads more than it is asked for: a byte at a time is, and what is no SSH is to be told in whole words.
func (p *idleConn) readGreeting(data []byte) (int, error) {
	ahead := make([]byte, greetingRead)
	n, err := p.Conn.Read(ahead)
	if n > 0 {
		err = nil // it comes again
		p.last.Store(time.Now().UnixNano())
		if !p.greeting.hear(ahead[:n], func() { p.Conn.Close() }) { //nolint:errcheck // it is of no use
			return 0, errNoSSH
		}
	}
	p.greeted = p.greeting.hasVersion()
	taken := copy(data, ahead[:n])
	p.ahead = ahead[taken:n]
	return taken, err
}

// Close implements net.Conn.
func (p *idleConn) Close() error {
	p.greeting.mu.Lock()
	p.greeting.stop()
	p.greeting.mu.Unlock()
	return p.Conn.Close()
}

// idleFor is how long nothing has come.
func (p *idleConn) idleFor() time.Duration { return time.Since(time.Unix(0, p.last.Load())) }
