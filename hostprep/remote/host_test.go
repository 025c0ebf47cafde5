package remote_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

func TestReadFile(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	host := connect(t, server)
	path := write(t, filepath.Join(server.Dir, "it's a file"), "content\n\n")
	got, err := host.ReadFile(bound(t), path)
	if err != nil || string(got) != "content\n\n" {
		t.Errorf("content %q, error %v", got, err)
	}
	if _, err := host.ReadFile(bound(t), path+".not"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	_, err = host.ReadFile(bound(t), server.Dir)
	says(t, err, "Is a directory")
}

func TestSecretsAreSeenNowhere(t *testing.T) {
	t.Parallel()
	const secret, pem = "abcdef.0123456789abcdef", "-----BEGIN KEY-----\nMC4CAQAwBQYDK2VwBCIEIFsecret\nshort\n-----END KEY-----\n"
	var log bytes.Buffer
	secrets := &remote.Secrets{}
	secrets.Add(secret)
	secrets.Add(pem)
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}), func(s *remote.Settings) {
		s.Secrets = secrets
		s.Log = func(netip.Addr) *slog.Logger { return slog.New(slog.NewTextHandler(&log, nil)) }
	})
	for _, status := range []string{"0", "1"} {
		answer, err := host.Run(bound(t), remote.Script{
			Name:  "join " + secret,
			Body:  "cat; printf '%s\\n' \"$token\"; printf '%s' \"$key\" | sed -n 2p; answer token printf %s \"$token\"; exit " + status,
			Args:  remote.Args{"token": secret, "key": pem},
			Stdin: strings.NewReader(strings.Repeat("x", 32<<10-10) + secret + strings.Repeat("y", 200_000)),
		})
		if status == "0" && answer.Text("token") != secret {
			t.Errorf("the answer itself is not touched, but is %q", answer.Text("token"))
		}
		var failed *remote.CommandError
		if status == "1" && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		text := log.String() + answer.Stderr
		if failed != nil {
			text += failed.Stderr
		}
		for _, part := range []string{secret, secret[:12], "MC4CAQAwBQYDK2VwBCIEIFsecret"} {
			if strings.Contains(text, part) {
				t.Errorf("%q is seen", part)
			}
		}
		if !strings.Contains(text, "bytes left out") || !strings.Contains(text, "[redacted]") {
			t.Errorf("nothing tells of what is left out: %.200s", text)
		}
	}
}

// Planning receives a Reader. A type assertion cannot turn it into a Host.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	reader := remote.ReadOnly(remotetest.NewHost(t, netip.MustParseAddr("10.2.0.4")))
	if _, ok := reader.(remote.Host); ok {
		t.Error("a reader can be made a host")
	}
}
