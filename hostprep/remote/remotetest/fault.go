package remotetest

import (
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Fault describes a faulty connection. The zero value is a connection without a fault.
type Fault struct {
	// Drop closes the connection before the banner, as sshd does beyond MaxStartups.
	Drop bool
	// Says is sent before the banner.
	Says string
	// Stall accepts the connection and sends nothing.
	Stall bool
	// HostKey replaces the server's host key.
	HostKey ssh.Signer
	// CutAfter closes the connection after that many bytes from the client; 0 never does.
	CutAfter int64
}

// faultyConn is a connection that can be made to fail.
type faultyConn struct {
	net.Conn
	fault  Fault
	read   int64         // bytes so far; only the goroutine that reads uses it
	silent chan struct{} // closed by stall
	mute   sync.Once
	closed chan struct{} // closed by Close
	shut   sync.Once
}

// newFaultyConn adds a fault to a connection.
func newFaultyConn(conn net.Conn, fault Fault) *faultyConn {
	return &faultyConn{Conn: conn, fault: fault, silent: make(chan struct{}), closed: make(chan struct{})}
}

// stall makes the connection silent: reads and writes block until it is closed.
func (c *faultyConn) stall() { c.mute.Do(func() { close(c.silent) }) }

// hold blocks while the connection is silent. It returns an error once the connection is closed.
func (c *faultyConn) hold() error {
	select {
	case <-c.silent:
		// Only Close wakes the goroutine, as with a network that drops all packets.
		<-c.closed
		return net.ErrClosed
	default:
		return nil
	}
}

// Read implements net.Conn. Data that arrives while it waits is lost if the connection has become silent meanwhile.
func (c *faultyConn) Read(data []byte) (int, error) {
	if err := c.hold(); err != nil {
		return 0, err
	}
	// The data may arrive after stall was called, while Read was waiting for it.
	n, err := c.Conn.Read(data)
	if err := c.hold(); err != nil {
		return 0, err
	}
	c.read += int64(n)
	if c.fault.CutAfter > 0 && c.read >= c.fault.CutAfter {
		c.Close() // this is the fault
		return 0, net.ErrClosed
	}
	return n, err
}

// Write implements net.Conn.
func (c *faultyConn) Write(data []byte) (int, error) {
	if err := c.hold(); err != nil {
		return 0, err
	}
	return c.Conn.Write(data)
}

// Close implements net.Conn.
func (c *faultyConn) Close() error {
	c.shut.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
