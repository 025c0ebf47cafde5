package prooftest

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/internal/certtest"
)

// Ports at which nodes and the API server's VIP serve.
const (
	podPort     = 8080
	kubeletPort = 10250
	agentPort   = 10271
)

// socket is where a server listens: a port of a host or of a pod, on all of its addresses.
type socket struct {
	owner string
	port  uint16
}

// server accepts connections in memory. It implements net.Listener.
type server struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	mu   sync.Mutex // guards open
	open []net.Conn
}

// newServer starts a server. serve ends when the server is closed.
func newServer(serve func(net.Listener)) *server {
	s := &server{conns: make(chan net.Conn), closed: make(chan struct{})}
	go serve(s)
	return s
}

// Accept implements net.Listener.
func (s *server) Accept() (net.Conn, error) {
	select {
	case conn := <-s.conns:
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (*server) Addr() net.Addr { return &net.TCPAddr{} }

// Close implements net.Listener.
func (s *server) Close() error {
	s.close()
	return nil
}

// close ends the server and all of its connections.
func (s *server) close() {
	s.once.Do(func() { close(s.closed) })
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.open {
		conn.Close()
	}
}

// connect returns the caller's end of a new connection. The server sees the caller at the given address.
func (s *server) connect(seen netip.Addr) (net.Conn, error) {
	near, far := newPipe()
	s.mu.Lock()
	s.open = append(s.open, far)
	s.mu.Unlock()
	select {
	case s.conns <- seenConn{far, net.TCPAddrFromAddrPort(netip.AddrPortFrom(seen, 40000))}:
		return near, nil
	case <-s.closed:
		return nil, syscall.ECONNREFUSED
	}
}

// seenConn is a connection whose other end has a given address.
type seenConn struct {
	net.Conn

	remote net.Addr
}

// RemoteAddr implements net.Conn.
func (c seenConn) RemoteAddr() net.Addr { return c.remote }

// serveHTTP returns a function that serves HTTP.
func serveHTTP(handler http.Handler) func(net.Listener) {
	return func(listener net.Listener) {
		web := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)} //nolint:gosec // callers are those of the test
		web.Serve(listener)                                                         //nolint:errcheck // it ends with the listener
	}
}

// serveTLS returns a function that serves HTTP over TLS with a certificate of an authority for names.
func (n *Network) serveTLS(authority certtest.Authority, names []string, handler http.Handler) func(net.Listener) {
	certificate, key := authority.Issue(n.tb, names...)
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		n.tb.Error(err)
	}
	return func(listener net.Listener) {
		serveHTTP(handler)(tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}))
	}
}

// listen starts a server at a socket, unless one runs there.
func (n *Network) listen(at socket, serve func() func(net.Listener)) *server {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.servers[at] == nil {
		n.servers[at] = newServer(serve())
	}
	return n.servers[at]
}

// hangUp ends the server at a socket.
func (n *Network) hangUp(at socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.servers[at] != nil {
		n.servers[at].close()
		delete(n.servers, at)
	}
}

// serverOf returns the server at a party's port, or nil. Those of nodes start with the first call.
func (n *Network) serverOf(to party, port uint16) *server {
	at := socket{to.name(), port}
	isNode := to.pod == nil && to.node != nil
	switch {
	case isNode && port == agentPort && !to.node.Guard.Silent:
		return n.listen(at, func() func(net.Listener) { return serveHTTP(n.metrics(to.node)) })
	case isNode && port == kubeletPort && len(to.node.Kubelet.Names) > 0:
		return n.listen(at, func() func(net.Listener) {
			return n.serveTLS(to.node.Kubelet.Authority, to.node.Kubelet.Names, text(http.StatusOK, "ok"))
		})
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.servers[at]
}

// vipServer returns the server behind the control plane's VIP.
func (n *Network) vipServer() *server {
	return n.listen(socket{"vip", apiServerPort}, func() func(net.Listener) {
		answer := text(http.StatusOK, "ok")
		if n.VIP.Unready {
			answer = text(http.StatusInternalServerError, "[-]etcd failed")
		}
		return n.serveTLS(n.VIP.Authority, n.VIP.Names, answer)
	})
}

// dnsServer returns the cluster's DNS at its address of a family, or nil.
func (n *Network) dnsServer(family api.Family) *server {
	if n.DNS.Silent[family] {
		return nil
	}
	return n.listen(socket{dnsName, 53}, func() func(net.Listener) { return n.serveDNS })
}

// strangeServer returns a server that is not the proof's.
func (n *Network) strangeServer() *server {
	return n.listen(socket{"stranger", 80}, func() func(net.Listener) { return serveHTTP(text(http.StatusOK, "It works!")) })
}

// text returns a handler that always answers the same.
func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintln(w, body)
	}
}
