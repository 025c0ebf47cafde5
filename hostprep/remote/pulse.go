package remote

import (
	"net"
	"sync/atomic"
	"time"
)

// pulse is a byte stream that knows when something came last. A host that is sent much, and is busy with
// it, answers a question late; as long as it takes what it is sent, it is there all the same.
type pulse struct {
	net.Conn

	last atomic.Int64 // in nanoseconds since the epoch
}

func newPulse(conn net.Conn) *pulse {
	p := &pulse{Conn: conn}
	p.last.Store(time.Now().UnixNano())
	return p
}

// Read implements net.Conn.
func (p *pulse) Read(data []byte) (int, error) {
	n, err := p.Conn.Read(data)
	if n > 0 {
		p.last.Store(time.Now().UnixNano())
	}
	return n, err
}

// silence is how long nothing has come.
func (p *pulse) silence() time.Duration { return time.Since(time.Unix(0, p.last.Load())) }
