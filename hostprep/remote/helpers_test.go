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

// patience is for what must not hang. Nothing is expected to take nearly as long, even on a busy machine.
const patience = 4 * time.Minute

// bound is a context that ends with it.
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

// connect gives a server as a host.
func connect(t *testing.T, server *remotetest.Server, change ...func(*remote.Settings)) remote.Host {
	t.Helper()
	host, err := try(t, server, change...)
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// try is connect that may fail.
func try(t *testing.T, server *remotetest.Server, change ...func(*remote.Settings)) (remote.Host, error) {
	t.Helper()
	settings := server.Settings()
	for _, each := range change {
		each(&settings)
	}
	return pool(t, settings).Host(bound(t), server.Addr().Addr())
}

// me is USER:GROUP of whoever runs the tests, who need not be root.
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

// says fails the test unless the error has all the parts.
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

// loopback gives distinct addresses that all lead here.
func loopback(n int) []netip.Addr {
	addresses := make([]netip.Addr, n)
	for i := range addresses {
		addresses[i] = netip.MustParseAddr(fmt.Sprintf("127.44.%d.%d", i/250, i%250+1))
	}
	return addresses
}
