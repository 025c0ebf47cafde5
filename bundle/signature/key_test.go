package signature_test

import (
	"context"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/dualstrap/dualstrap/bundle/signature"
)

// serveAgent serves an agent at a socket.
func serveAgent(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(conn)
		}
	}()
	return socket
}

func TestSignWith(t *testing.T) {
	t.Parallel()
	signer, private := newKey(t)
	dir, key := t.TempDir(), public(signer)
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	socket := serveAgent(t, func(conn net.Conn) { _ = agent.ServeAgent(ring, conn) })
	empty := serveAgent(t, func(conn net.Conn) { _ = agent.ServeAgent(agent.NewKeyring(), conn) })
	if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, socket, want string }{
		"a private key":                          {file("plain", pem.EncodeToMemory(plain)), "", ""},
		"its public half, the agent has it":      {file("public", []byte(key)), socket, ""},
		"under a passphrase, the agent has it":   {file("locked", pem.EncodeToMemory(locked)), socket, ""},
		"under a passphrase, and no agent":       {filepath.Join(dir, "locked"), "", "SSH_AUTH_SOCK names no agent"},
		"under a passphrase, not with the agent": {filepath.Join(dir, "locked"), empty, "does not hold it"},
		"an agent that is not there":             {filepath.Join(dir, "public"), filepath.Join(dir, "none"), "cannot be reached"},
		"no key":                                 {file("text", []byte("text")), socket, "it is not an SSH key"},
		"no file":                                {filepath.Join(dir, "missing"), socket, "no such file"},
	} {
		signed, err := signature.SignWith(t.Context(), test.path, test.socket, []byte(message))
		var refused *signature.KeyError
		if test.want != "" {
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
				t.Errorf("%s: error %v does not say %q", name, err, test.want)
			}
			continue
		}
		if err == nil {
			_, err = verify(signed, "ann "+key)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostileSigningAgents tries SSH agents that stay silent, which must not exceed the caller's timeout, and agents
// that send invalid responses.
func TestHostileSigningAgents(t *testing.T) {
	t.Parallel()
	signer, _ := newKey(t)
	path := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(path, []byte(public(signer)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{
		"silent": "", "too long": "\xff\xff\xff\xff", "empty": "\x00\x00\x00\x00",
		"nonsense": "\x00\x00\x00\x01\x63", "cut": "\x00\x00\x00\x10\x0c",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			socket := serveAgent(t, func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 1)) // the request has arrived
				if says == "" {
					cancel()
					return
				}
				_, _ = conn.Write([]byte(says))
				_ = conn.Close()
			})
			_, err := signature.SignWith(ctx, path, socket, []byte(message))
			var refused *signature.KeyError
			if says == "" && !errors.Is(err, context.Canceled) || says != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), path)) {
				t.Errorf("error %v", err)
			}
		})
	}
}
