package prooftest

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// linger is how long a closed connection still sends what was written before.
const linger = time.Second

// bufferedConn is an end of a connection in memory that, unlike one of net.Pipe, takes what is written without waiting for
// the other end to read it, as a kernel does. Both ends of a TLS connection may write at the same time.
type bufferedConn struct {
	net.Conn

	out     chan []byte
	closing chan struct{}
	once    sync.Once
}

// newPipe returns the two ends of a connection.
func newPipe() (near, far net.Conn) {
	one, other := net.Pipe()
	return newBufferedConn(one), newBufferedConn(other)
}

// newBufferedConn returns an end of a connection that writes to an end of a pipe.
func newBufferedConn(conn net.Conn) *bufferedConn {
	const writes = 64
	c := &bufferedConn{Conn: conn, out: make(chan []byte, writes), closing: make(chan struct{})}
	go c.send()
	return c
}

// Write implements net.Conn.
func (c *bufferedConn) Write(data []byte) (int, error) {
	select {
	case <-c.closing:
		return 0, net.ErrClosed
	default:
	}
	select {
	case <-c.closing:
		return 0, net.ErrClosed
	case c.out <- bytes.Clone(data):
		return len(data), nil
	}
}

// Close implements net.Conn. What was written before is still sent.
func (c *bufferedConn) Close() error {
	c.once.Do(func() {
		c.SetReadDeadline(time.Now())              //nolint:errcheck // a pipe has deadlines
		c.SetWriteDeadline(time.Now().Add(linger)) //nolint:errcheck // as above
		close(c.closing)
	})
	return nil
}

// send sends what is written, until the connection is closed here or at the other end.
func (c *bufferedConn) send() {
	defer c.Conn.Close()
	defer c.Close() //nolint:errcheck // it returns no error
	for {
		select {
		case data := <-c.out:
			if _, err := c.Conn.Write(data); err != nil {
				return
			}
		case <-c.closing:
			if len(c.out) == 0 {
				return
			}
		}
	}
}
