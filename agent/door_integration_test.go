//go:build integration

package agent

import (
	"io"
	"net"
	"net/url"
	"sync"
)

// door is a loopback port in a node's namespace that forwards to the API server while it is open.
type door struct {
	address string
	mu      sync.Mutex
	closed  bool
	conns   []net.Conn
}

func (h *host) openDoor() *door {
	h.site.t.Helper()
	listener := h.Listen("127.0.0.1:0")
	d := &door{address: listener.Addr().String()}
	target, err := url.Parse(h.site.config.Host)
	if err != nil {
		h.site.t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				d.set(true)
				return
			}
			go d.pass(conn, target.Host)
		}
	}()
	return d
}

// pass forwards one connection.
func (d *door) pass(conn net.Conn, target string) {
	server, err := net.Dial("tcp", target)
	if err != nil {
		_ = conn.Close()
		return
	}
	d.mu.Lock()
	closed := d.closed
	d.conns = append(d.conns, conn, server)
	d.mu.Unlock()
	if closed {
		_, _ = conn.Close(), server.Close()
		return
	}
	go func() { _, _ = io.Copy(server, conn); _ = server.Close() }()
	_, _ = io.Copy(conn, server)
	_ = conn.Close()
}

// set closes or opens the door. Closing it also closes the connections that it forwards.
func (d *door) set(closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = closed
	if closed {
		for _, conn := range d.conns {
			_ = conn.Close()
		}
		d.conns = nil
	}
}
