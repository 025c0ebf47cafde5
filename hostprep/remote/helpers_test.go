package remote_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// patience bounds operations that must not hang. None is expected to come close to it, even on a busy machine.
const patience = 4 * time.Minute

// bound returns a context with the deadline patience.
func bound(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func pool(t *testing.T, settings remote.Settings) *remote.Pool {
	t.Helper()
	p, err := remote.NewPool(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// connect returns the host of a server.
func connect(t *testing.T, server *remotetest.Server, change ...func(*remote.Settings)) remote.Host {
	t.Helper()
	host, err := try(t, server, change...)
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// try is connect with an error.
func try(t *testing.T, server *remotetest.Server, change ...func(*remote.Settings)) (remote.Host, error) {
	t.Helper()
	settings := server.Settings()
	for _, each := range change {
		each(&settings)
	}
	return pool(t, settings).Host(bound(t), server.Addr().Addr())
}

// me returns the USER:GROUP that runs the tests, which may not be root.
func me(t *testing.T) string {
	t.Helper()
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return who.Uid + ":" + who.Gid
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// says fails the test unless the error contains all the parts.
func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}

// loopback returns n distinct addresses of the loopback interface.
func loopback(n int) []netip.Addr {
	addresses := make([]netip.Addr, n)
	for i := range addresses {
		addresses[i] = netip.MustParseAddr(fmt.Sprintf("127.44.%d.%d", i/250, i%250+1))
	}
	return addresses
}
