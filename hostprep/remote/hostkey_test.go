package remote_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// keyWords returns the type and the key, as files contain them.
func keyWords(key ssh.PublicKey) string {
	return key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal())
}

// certify returns a signer with a host certificate.
func certify(t *testing.T, authority, host ssh.Signer, change func(*ssh.Certificate)) ssh.Signer {
	t.Helper()
	cert := &ssh.Certificate{
		Key: host.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"127.0.0.1"},
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	change(cert)
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(cert, host)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// knownKeys are the keys that the hosts of these tests show, or that known_hosts files contain.
type knownKeys struct{ authority, own, other, signed, old, astray, stranger ssh.Signer }

func newKnownKeys(t *testing.T) knownKeys {
	t.Helper()
	k := knownKeys{authority: remotetest.NewSigner(t), own: remotetest.NewSigner(t), other: remotetest.NewSigner(t)}
	k.signed = certify(t, k.authority, k.own, func(*ssh.Certificate) {})
	k.old = certify(t, k.authority, k.own, func(c *ssh.Certificate) { c.ValidBefore = 1 })
	k.astray = certify(t, k.authority, k.own, func(c *ssh.Certificate) { c.ValidPrincipals = []string{"elsewhere"} })
	k.stranger = certify(t, k.other, k.own, func(*ssh.Certificate) {})
	return k
}

// meet connects to a host that shows a key. known is a known_hosts file with placeholders for keys and addresses.
func (k knownKeys) meet(t *testing.T, shown ssh.Signer, known string) error {
	t.Helper()
	server := remotetest.NewServer(t, remotetest.Options{HostKey: shown})
	_, err := try(t, server, func(s *remote.Settings) {
		address := knownhosts.Normalize(server.Addr().String())
		text := strings.NewReplacer("ADDRESS", address, "HOST", "127.0.0.1", "AUTHORITY", keyWords(k.authority.PublicKey()),
			"SIGNER", "@cert-authority * "+keyWords(k.authority.PublicKey()), "OWN", keyWords(k.own.PublicKey()),
			"OTHER", keyWords(k.other.PublicKey()), "HASHED", knownhosts.HashHostname(address)).Replace(known)
		s.KnownHostsPath = write(t, filepath.Join(t.TempDir(), "known_hosts"), text+"\n")
	})
	return err
}

func TestKnownHosts(t *testing.T) {
	t.Parallel()
	k := newKnownKeys(t)
	for name, test := range map[string]struct {
		shown ssh.Signer
		known string
	}{
		"its line":                      {k.own, "ADDRESS OWN"},
		"a hashed line":                 {k.own, "HASHED OWN"},
		"one of two":                    {k.own, "ADDRESS OTHER\nADDRESS OWN"},
		"a line without port":           {k.own, "HOST OWN"},
		"a pattern":                     {k.own, "127.0.* OWN"},
		"its own port goes first":       {k.own, "HOST OTHER\nADDRESS OWN"},
		"a bad line beside it":          {k.own, "# comment\nADDRESS ssh-ed25519 !!!\n\nADDRESS OWN"},
		"another is revoked":            {k.own, "ADDRESS OWN\n@revoked * OTHER"},
		"an authority's certificate":    {k.signed, "@cert-authority 127.0.0.* AUTHORITY"},
		"without port":                  {k.signed, "@cert-authority HOST AUTHORITY"},
		"expired, but its key is known": {k.old, "SIGNER\nADDRESS OWN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := k.meet(t, test.shown, test.known); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestHostileHostKeys tries host keys that are unknown, changed or revoked, and certificates without a valid authority.
func TestHostileHostKeys(t *testing.T) {
	t.Parallel()
	k := newKnownKeys(t)
	for name, test := range map[string]struct {
		shown ssh.Signer
		known string
		want  error
		says  string
	}{
		"another at another port":     {k.own, "HOST OTHER", remote.ErrHostKeyUnknown, ""},
		"another's line":              {k.own, "192.0.2.1 OWN", remote.ErrHostKeyUnknown, "it shows ssh-ed25519"},
		"negated":                     {k.own, "127.0.*,!HOST OWN\n*,!ADDRESS OTHER", remote.ErrHostKeyUnknown, ""},
		"another key":                 {k.own, "\nHASHED OTHER", remote.ErrHostKeyChanged, "known_hosts:2 has"},
		"revoked":                     {k.own, "ADDRESS OWN\n@revoked * OWN", remote.ErrHostKeyRevoked, "known_hosts:2"},
		"of another host":             {k.astray, "SIGNER", remote.ErrHostKeyUnknown, "certificate that is not valid"},
		"expired":                     {k.old, "SIGNER", remote.ErrHostKeyUnknown, "expired"},
		"of another authority":        {k.stranger, "SIGNER", remote.ErrHostKeyUnknown, "no authorities"},
		"no certificate, and no line": {k.own, "SIGNER", remote.ErrHostKeyUnknown, "it shows"},
		"a revoked authority":         {k.signed, "SIGNER\n@revoked * AUTHORITY", remote.ErrHostKeyRevoked, "known_hosts:2"},
		"a revoked certified key":     {k.signed, "SIGNER\n@revoked * OWN", remote.ErrHostKeyRevoked, "known_hosts:2"},
		"an authority is no host":     {k.authority, "SIGNER", remote.ErrHostKeyUnknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := k.meet(t, test.shown, test.known)
			reason(t, err, test.want)
			says(t, err, test.says, "cannot trust [127.0.0.1]:")
		})
	}
}

// acceptNew connects to a host with the policy accept-new and a known_hosts file, and returns the file's new content.
func acceptNew(t *testing.T, server *remotetest.Server, before string) (after string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "new directory", "known_hosts")
	if before != "" {
		write(t, path, before)
	}
	_, err = try(t, server, func(s *remote.Settings) { s.KnownHostsPath, s.HostKeyPolicy = path, remote.AcceptNew })
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	return read(t, path), err
}

func TestAcceptNew(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	line := server.KnownHostsLine() + "\n"
	other := "[127.0.0.1]:1 " + keyWords(remotetest.NewSigner(t).PublicKey())
	for name, test := range map[string]struct{ before, after string }{
		"no file":            {"", line},
		"a file":             {other + "\n", other + "\n" + line},
		"an unfinished line": {other, other + "\n" + line},
		"known":              {line, line},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := acceptNew(t, server, test.before); err != nil || got != test.after {
				t.Errorf("error %v, the file is\n%s\nwant\n%s", err, got, test.after)
			}
		})
	}
}

// TestHostileNewHostKeys tries changed and revoked keys with accept-new: they are rejected, and the file does not
// change.
func TestHostileNewHostKeys(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	for name, test := range map[string]struct {
		before string
		want   error
	}{
		"changed": {
			strings.Replace(server.KnownHostsLine(), keyWords(server.HostKey()), keyWords(remotetest.NewSigner(t).PublicKey()), 1),
			remote.ErrHostKeyChanged,
		},
		"revoked": {"@revoked * " + keyWords(server.HostKey()), remote.ErrHostKeyRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, err := acceptNew(t, server, test.before+"\n")
			if reason(t, err, test.want); after != test.before+"\n" {
				t.Errorf("the file is\n%s", after)
			}
		})
	}
}

// Two runs that share a known_hosts file connect to many new hosts at once. In the end, each host has one line, and a strict
// run accepts all of them.
func TestAcceptNewOfManyHosts(t *testing.T) {
	t.Parallel()
	hosts := loopback(30)
	first := remotetest.NewServer(t, remotetest.Options{Address: netip.AddrPortFrom(hosts[0], 0)})
	port := first.Addr().Port()
	for _, host := range hosts[1:] {
		remotetest.NewServer(t, remotetest.Options{Address: netip.AddrPortFrom(host, port), Authorized: []ssh.PublicKey{keyOf(t, first)}})
	}
	settings := first.Settings()
	settings.KnownHostsPath, settings.HostKeyPolicy = filepath.Join(t.TempDir(), "known_hosts"), remote.AcceptNew
	visit := func(settings remote.Settings) error {
		all, failures := pool(t, settings), make([]error, len(hosts))
		var visits sync.WaitGroup
		for i, host := range hosts {
			visits.Go(func() { _, failures[i] = all.Host(bound(t), host) })
		}
		visits.Wait()
		return errors.Join(failures...)
	}
	results := make(chan error)
	for range 2 {
		go func() { results <- visit(settings) }()
	}
	for range 2 {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(read(t, settings.KnownHostsPath)), "\n")
	names := map[string]bool{}
	for _, line := range lines {
		names[strings.Fields(line)[0]] = true
	}
	if len(lines) != len(hosts) || len(names) != len(hosts) {
		t.Errorf("%d lines for %d hosts, want %d", len(lines), len(names), len(hosts))
	}
	settings.HostKeyPolicy = remote.Strict
	if err := visit(settings); err != nil {
		t.Error(err)
	}
}

// TestHostileSSHSettings tries unreadable and invalid SSH settings.
func TestHostileSSHSettings(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	for name, test := range map[string]struct {
		change func(*remote.Settings)
		says   []string
	}{
		"known hosts of nonsense": {
			func(s *remote.Settings) { s.KnownHostsPath = write(t, t.TempDir()+"/known", "nonsense\n") },
			[]string{"cannot read known hosts from ", "/known"},
		},
		"a policy of no name": {func(s *remote.Settings) { s.HostKeyPolicy = "off" }, []string{`host key policy "off"`}},
		"a configuration": {
			func(s *remote.Settings) { s.ConfigPath = write(t, t.TempDir()+"/config", "Host *\n  Include [\n") },
			[]string{"cannot read the SSH configuration"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := settingsOf(server, test.change)
			hosts, err := remote.NewPool(settings)
			if err == nil {
				defer hosts.Close()
				_, err = hosts.Host(bound(t), server.Addr().Addr())
			}
			says(t, err, test.says...)
		})
	}
}

// FuzzKnownHosts checks that a host is only trusted if the file contains its key.
func FuzzKnownHosts(f *testing.F) {
	for _, seed := range []string{"* ssh-ed25519 x", "@cert-authority * y", "@revoked a b", "|1|x|y z", "\x00", "a,b,!c * *"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := write(t, filepath.Join(t.TempDir(), "known_hosts"), text)
		err := remote.VerifyHostKey(path, "10.2.0.4:22", remotetest.NewSigner(t).PublicKey())
		if err == nil {
			t.Errorf("trusted by %q", text)
		}
	})
}
