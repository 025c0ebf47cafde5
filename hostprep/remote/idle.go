package remote

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// idleConn is a byte stream that records when data last arrived. A host that is busy with what it was sent answers a
// keepalive late, but acknowledges the data, which shows that it is alive. It also checks the server's greeting.
type idleConn struct {
	net.Conn

	last     atomic.Int64 // in nanoseconds since the epoch
	greeting greeting
	// greeted and ahead belong to the one goroutine that reads. ahead has been read from the stream, and not from here.
	greeted bool
	ahead   []byte
}

// newIdleConn wraps a stream that was just opened.
func newIdleConn(conn net.Conn) *idleConn {
	p := &idleConn{Conn: conn}
	p.last.Store(time.Now().UnixNano())
	return p
}

// greetingRead is how many bytes of a greeting are read at once.
const greetingRead = 512

// errNoSSH reports that the other side does not speak SSH.
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

// readGreeting reads more than the caller asks for. The SSH client reads byte by byte, but an error should quote whole words
// of a server that does not speak SSH.
func (p *idleConn) readGreeting(data []byte) (int, error) {
	ahead := make([]byte, greetingRead)
	n, err := p.Conn.Read(ahead)
	if n > 0 {
		err = nil // the next read returns it again
		p.last.Store(time.Now().UnixNano())
		if !p.greeting.receive(ahead[:n], func() { p.Conn.Close() }) {
			return 0, errNoSSH
		}
	}
	p.greeted = p.greeting.hasVersion()
	taken := copy(data, ahead[:n])
	p.ahead = ahead[taken:n]
	return taken, err
}

// Close implements net.Conn. It also stops the greeting's timer.
func (p *idleConn) Close() error {
	p.greeting.mu.Lock()
	p.greeting.stop()
	p.greeting.mu.Unlock()
	return p.Conn.Close()
}

// idleFor returns the time since data last arrived.
func (p *idleConn) idleFor() time.Duration { return time.Since(time.Unix(0, p.last.Load())) }
