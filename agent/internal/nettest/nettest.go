// Package nettest creates network namespaces for tests: hosts on one L2, and programs in them. It needs root.
// Everything is removed when the test ends.
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

// patience is the timeout of conditions that are certain to come true, with room for a busy machine.
const patience = time.Minute

// Namespace is a network namespace.
type Namespace struct {
	tb   testing.TB
	Name string
}

// New creates a namespace whose loopback interface is up. The namespace is deleted when the test ends.
func New(tb testing.TB, purpose string) *Namespace {
	tb.Helper()
	// A random suffix lets tests run in parallel, also those of other packages.
	n := &Namespace{tb, "dualstrap-" + purpose + "-" + strings.ToLower(rand.Text()[:8])}
	run(tb, "ip", "netns", "add", n.Name)
	// The test's context is already canceled when cleanup functions run.
	tb.Cleanup(func() {
		if out, err := exec.CommandContext(context.WithoutCancel(tb.Context()), "ip", "netns", "delete", n.Name).CombinedOutput(); err != nil {
			tb.Errorf("cannot delete namespace %s: %v\n%s", n.Name, err, out)
		}
	})
	n.Run("ip", "link", "set", "lo", "up")
	return n
}

// TB returns the test that the namespace belongs to.
func (n *Namespace) TB() testing.TB { return n.tb }

// Path returns the path of the file that refers to the namespace.
func (n *Namespace) Path() string { return "/run/netns/" + n.Name }

// Command returns a command that runs a program in the namespace. ip executes the program in its own process, so
// signals to the command reach the program.
func (n *Namespace) Command(ctx context.Context, words ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", n.Name}, words...)...)
}

// Try runs a program in the namespace and returns its combined output.
func (n *Namespace) Try(words ...string) (string, error) {
	out, err := n.Command(n.tb.Context(), words...).CombinedOutput()
	return string(out), err
}

// Run runs a program in the namespace and returns its output. It fails the test if the program fails.
func (n *Namespace) Run(words ...string) string {
	n.tb.Helper()
	out, err := n.Try(words...)
	if err != nil {
		n.tb.Fatalf("%s: %s: %v\n%s", n.Name, strings.Join(words, " "), err, out)
	}
	return out
}

// Do calls f on a thread in the namespace. Sockets that f opens remain in the namespace.
func (n *Namespace) Do(f func() error) error {
	n.tb.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// A namespace belongs to a thread, so the goroutine must not move to another one before it has left the namespace.
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
			runtime.LockOSThread() // a locked thread is not reused: it exits with its goroutine
		}
	}()
	return f()
}

// Listen opens a TCP listener in the namespace. It is closed when the test ends.
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
	n.tb.Cleanup(func() { _ = listener.Close() }) // the test may have closed it
	return listener
}

// Mirror serves on a TCP port in both families, and sends every client the address that the client is seen with.
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
			_, _ = fmt.Fprint(conn, host) // the client reports a missing answer
			_ = conn.Close()
		}
	}()
}

// Dial connects to a TCP port from the namespace.
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

// SeenAs asks a mirror for the address with which this namespace is seen there.
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

// L2 is an Ethernet segment that connects namespaces: a bridge in a namespace of its own.
type L2 struct {
	bridge *Namespace
	ports  int
}

// NewL2 creates an Ethernet segment.
func NewL2(tb testing.TB) *L2 {
	tb.Helper()
	bridge := New(tb, "l2")
	bridge.Run("ip", "link", "add", "br0", "type", "bridge")
	bridge.Run("ip", "link", "set", "br0", "up")
	return &L2{bridge: bridge}
}

// Host creates a namespace with an interface eth0 on the L2. addresses are those of eth0, in CIDR notation. IPv6
// addresses skip duplicate address detection, so that they can be used at once.
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

// Eventually waits until check returns nil. It fails the test after a timeout.
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

// run runs a program outside of any namespace, and fails the test if it fails.
func run(tb testing.TB, words ...string) {
	tb.Helper()
	if out, err := exec.CommandContext(tb.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}
