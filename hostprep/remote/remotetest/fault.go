package remotetest

import (
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Fault is what is wrong with a connection. The zero value is nothing.
type Fault struct {
	// Drop closes it before the banner, as sshd does beyond MaxStartups.
	Drop bool
	// Says is said before the banner.
	Says string
	// Stall accepts it and says nothing.
	Stall bool
	// HostKey is shown in place of the server's.
	HostKey ssh.Signer
	// CutAfter closes it after so many bytes from the client; never when 0.
	CutAfter int64
}

// faultyConn is a connection that can go wrong.
type faultyConn struct {
	net.Conn
	fault  Fault
	read   int64 // by the one goroutine that reads
	silent chan struct{}
	mute   sync.Once
	closed chan struct{}
	shut   sync.Once
}

func newFaultyConn(conn net.Conn, fault Fault) *faultyConn {
	return &faultyConn{Conn: conn, fault: fault, silent: make(chan struct{}), closed: make(chan struct{})}
}

// stall makes it silent.
func (c *faultyConn) stall() { c.mute.Do(func() { close(c.silent) }) }

// hold waits for the end of a silent connection.
func (c *faultyConn) hold() error {
	select {
	case <-c.silent:
		<-c.closed
		return net.ErrClosed
	default:
		return nil
	}
}

// Read implements net.Conn.
func (c *faultyConn) Read(data []byte) (int, error) {
	if err := c.hold(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(data)
	if err := c.hold(); err != nil {
		return 0, err
	}
	c.read += int64(n)
	if c.fault.CutAfter > 0 && c.read >= c.fault.CutAfter {
		c.Close() //nolint:errcheck // that is the point
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
