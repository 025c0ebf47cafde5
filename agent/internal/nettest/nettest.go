// Package nettest makes network namespaces for tests: hosts on one L2, and what runs in them. It needs
// root. All of it is gone when the test ends.
package nettest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netns"
)

// patience is how long something may take that is sure to come on a busy machine.
const patience = time.Minute

// Namespace is a network namespace.
type Namespace struct {
	tb   testing.TB
	Name string
}

// New makes a namespace with loopback up.
func New(tb testing.TB, purpose string) *Namespace {
	tb.Helper()
	n := &Namespace{tb, "dualstrap-" + purpose + "-" + strings.ToLower(rand.Text()[:8])}
	run(tb, "ip", "netns", "add", n.Name)
	// The test's context has ended by then.
	tb.Cleanup(func() {
		if out, err := exec.CommandContext(context.WithoutCancel(tb.Context()), "ip", "netns", "delete", n.Name).CombinedOutput(); err != nil {
			tb.Errorf("cannot delete namespace %s: %v\n%s", n.Name, err, out)
		}
	})
	n.Run("ip", "link", "set", "lo", "up")
	return n
}

// TB is the test that the namespace lives as long as.
func (n *Namespace) TB() testing.TB { return n.tb }

// Path is the namespace as a file.
func (n *Namespace) Path() string { return "/run/netns/" + n.Name }

// Command prepares a program to run in the namespace. It replaces ip, so its process is the program's.
func (n *Namespace) Command(ctx context.Context, words ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.Name}, words...)...)
}

// Try runs a program in the namespace.
func (n *Namespace) Try(words ...string) (string, error) {
	out, err := n.Command(n.tb.Context(), words...).CombinedOutput()
	return string(out), err
}

// Run runs a program that must succeed.
func (n *Namespace) Run(words ...string) string {
	n.tb.Helper()
	out, err := n.Try(words...)
	if err != nil {
		n.tb.Fatalf("%s: %s: %v\n%s", n.Name, strings.Join(words, " "), err, out)
	}
	return out
}

// Do calls f on a thread in the namespace: what it opens there stays there.
func (n *Namespace) Do(f func() error) error {
	n.tb.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := netns.Get()
	if err != nil {
		return err
	}
	defer func() { _ = before.Close() }()
	handle, err := netns.GetFromName(n.Name)
	if err != nil {
		return err
	}
	defer func() { _ = handle.Close() }()
	if err := netns.Set(handle); err != nil {
		return err
	}
	defer func() {
		if err := netns.Set(before); err != nil {
			n.tb.Errorf("cannot leave namespace %s: %v", n.Name, err)
			runtime.LockOSThread() // the thread ends with its goroutine
		}
	}()
	return f()
}

// Listen opens a TCP listener in the namespace; the test closes it.
func (n *Namespace) Listen(address string) net.Listener {
	n.tb.Helper()
	var listener net.Listener
	err := n.Do(func() (err error) {
		listener, err = new(net.ListenConfig).Listen(n.tb.Context(), "tcp", address)
		return err
	})
	if err != nil {
		n.tb.Fatalf("%s: cannot listen on %s: %v", n.Name, address, err)
	}
	n.tb.Cleanup(func() { _ = listener.Close() }) // it may be closed already
	return listener
}

// Mirror serves on a port of both families, and tells every client the address it sees.
func (n *Namespace) Mirror(port string) {
	n.tb.Helper()
	listener := n.Listen("[::]:" + port)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
			_, _ = fmt.Fprint(conn, host) // the client notices
			_ = conn.Close()
		}
	}()
}

// Dial connects to a TCP port as what runs in the namespace does.
func (n *Namespace) Dial(ctx context.Context, address string) (net.Conn, error) {
	n.tb.Helper()
	var conn net.Conn
	err := n.Do(func() (err error) {
		dialer := net.Dialer{Timeout: 2 * time.Second}
		conn, err = dialer.DialContext(ctx, "tcp", address)
		return err
	})
	return conn, err
}

// SeenAs asks a mirror which address this namespace has there.
func (n *Namespace) SeenAs(host, port string) (string, error) {
	n.tb.Helper()
	conn, err := n.Dial(n.tb.Context(), net.JoinHostPort(host, port))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	seen, err := io.ReadAll(conn)
	return string(seen), err
}

// L2 is an Ethernet that namespaces plug into: a bridge in a namespace of its own.
type L2 struct {
	bridge *Namespace
	ports  int
}

// NewL2 makes an Ethernet.
func NewL2(tb testing.TB) *L2 {
	tb.Helper()
	bridge := New(tb, "l2")
	bridge.Run("ip", "link", "add", "br0", "type", "bridge")
	bridge.Run("ip", "link", "set", "br0", "up")
	return &L2{bridge: bridge}
}

// Host makes a namespace with an interface eth0 on the L2, which holds addresses, written as prefixes.
func (l *L2) Host(tb testing.TB, purpose string, addresses ...string) *Namespace {
	tb.Helper()
	host := New(tb, purpose)
	l.ports++
	port := fmt.Sprintf("port%d", l.ports)
	host.Run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", l.bridge.Name)
	l.bridge.Run("ip", "link", "set", port, "master", "br0", "up")
	for _, address := range addresses {
		words := []string{"ip", "address", "add", address, "dev", "eth0"}
		if strings.Contains(address, ":") {
			words = append(words, "nodad")
		}
		host.Run(words...)
	}
	host.Run("ip", "link", "set", "eth0", "up")
	return host
}

// Eventually waits until check finds nothing wrong.
func Eventually(tb testing.TB, what string, check func() error) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%s: not after %s: %v", what, patience, err)
		}
		select {
		case <-tb.Context().Done():
			tb.Fatalf("%s: %v", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func run(tb testing.TB, words ...string) {
	tb.Helper()
	if out, err := exec.CommandContext(tb.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}
