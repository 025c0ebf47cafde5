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

// keyWords is a key as files have it.
func keyWords(key ssh.PublicKey) string {
	return key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal())
}

// certify makes a host certificate.
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

func TestKnownHosts(t *testing.T) {
	t.Parallel()
	authority, own, other := remotetest.NewSigner(t), remotetest.NewSigner(t), remotetest.NewSigner(t)
	valid := func(*ssh.Certificate) {}
	expired := func(c *ssh.Certificate) { c.ValidBefore = 1 }
	stranger := func(c *ssh.Certificate) { c.ValidPrincipals = []string{"elsewhere"} }
	signed, old, astray := certify(t, authority, own, valid), certify(t, authority, own, expired), certify(t, authority, own, stranger)
	at := func(text string) func(string, string) string {
		return func(address, host string) string {
			return strings.NewReplacer("ADDRESS", address, "HOST", host, "AUTHORITY", keyWords(authority.PublicKey()),
				"SIGNER", "@cert-authority * "+keyWords(authority.PublicKey()), "OWN", keyWords(own.PublicKey()),
				"OTHER", keyWords(other.PublicKey()), "HASHED", knownhosts.HashHostname(address)).Replace(text)
		}
	}
	tests := map[string]struct {
		shown ssh.Signer
		known string
		want  error
		says  string
	}{
		"its line":                      {own, "ADDRESS OWN", nil, ""},
		"a hashed line":                 {own, "HASHED OWN", nil, ""},
		"one of two":                    {own, "ADDRESS OTHER\nADDRESS OWN", nil, ""},
		"a line without port":           {own, "HOST OWN", nil, ""},
		"a pattern":                     {own, "127.0.* OWN", nil, ""},
		"its own port goes first":       {own, "HOST OTHER\nADDRESS OWN", nil, ""},
		"another at another port":       {own, "HOST OTHER", remote.ErrHostKeyUnknown, ""},
		"a bad line beside it":          {own, "# comment\nADDRESS ssh-ed25519 !!!\n\nADDRESS OWN", nil, ""},
		"another's line":                {own, "192.0.2.1 OWN", remote.ErrHostKeyUnknown, "it shows ssh-ed25519"},
		"negated":                       {own, "127.0.*,!HOST OWN\n*,!ADDRESS OTHER", remote.ErrHostKeyUnknown, ""},
		"another key":                   {own, "\nHASHED OTHER", remote.ErrHostKeyChanged, "known_hosts:2 has"},
		"revoked":                       {own, "ADDRESS OWN\n@revoked * OWN", remote.ErrHostKeyRevoked, "known_hosts:2"},
		"another is revoked":            {own, "ADDRESS OWN\n@revoked * OTHER", nil, ""},
		"an authority's certificate":    {signed, "@cert-authority 127.0.0.* AUTHORITY", nil, ""},
		"without port":                  {signed, "@cert-authority HOST AUTHORITY", nil, ""},
		"of another host":               {astray, "SIGNER", remote.ErrHostKeyUnknown, "certificate that is not valid"},
		"expired":                       {old, "SIGNER", remote.ErrHostKeyUnknown, "expired"},
		"of another authority":          {certify(t, other, own, valid), "SIGNER", remote.ErrHostKeyUnknown, "no authorities"},
		"expired, but its key is known": {old, "SIGNER\nADDRESS OWN", nil, ""},
		"no certificate, and no line":   {own, "SIGNER", remote.ErrHostKeyUnknown, "it shows"},
		"a revoked authority":           {signed, "SIGNER\n@revoked * AUTHORITY", remote.ErrHostKeyRevoked, "known_hosts:2"},
		"a revoked certified key":       {signed, "SIGNER\n@revoked * OWN", remote.ErrHostKeyRevoked, "known_hosts:2"},
		"an authority is no host":       {authority, "SIGNER", remote.ErrHostKeyUnknown, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := remotetest.NewServer(t, remotetest.Options{HostKey: test.shown})
			_, err := try(t, server, func(s *remote.Settings) {
				address := knownhosts.Normalize(server.Addr().String())
				s.KnownHostsPath = write(t, filepath.Join(t.TempDir(), "known_hosts"), at(test.known)(address, "127.0.0.1")+"\n")
			})
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			reason(t, err, test.want)
			says(t, err, test.says, "cannot trust [127.0.0.1]:")
		})
	}
}

func TestAcceptNew(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	line := server.KnownHostsLine() + "\n"
	other := "[127.0.0.1]:1 " + keyWords(remotetest.NewSigner(t).PublicKey())
	changed := strings.Replace(line, keyWords(server.HostKey()), keyWords(remotetest.NewSigner(t).PublicKey()), 1)
	revoked := "@revoked * " + keyWords(server.HostKey()) + "\n"
	tests := map[string]struct {
		before, after string
		want          error
	}{
		"no file":            {"", line, nil},
		"a file":             {other + "\n", other + "\n" + line, nil},
		"an unfinished line": {other, other + "\n" + line, nil},
		"known":              {line, line, nil},
		"changed":            {changed, changed, remote.ErrHostKeyChanged},
		"revoked":            {revoked, revoked, remote.ErrHostKeyRevoked},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "new folder", "known_hosts")
			if test.before != "" {
				write(t, path, test.before)
			}
			_, err := try(t, server, func(s *remote.Settings) { s.KnownHostsPath, s.HostKeyPolicy = path, remote.AcceptNew })
			if test.want != nil {
				reason(t, err, test.want)
			} else if err != nil {
				t.Fatal(err)
			}
			if got := read(t, path); got != test.after {
				t.Errorf("the file is\n%s\nwant\n%s", got, test.after)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
		})
	}
}

// Many hosts are met at once, by two runs that share the file: each has one line in the end, and a
// strict run knows them all.
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

func TestKnownHostsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	_, err := try(t, server, func(s *remote.Settings) { s.KnownHostsPath = write(t, t.TempDir()+"/known", "nonsense\n") })
	says(t, err, "cannot read known hosts from ", "/known")
	_, err = remote.NewPool(remote.Settings{HostKeyPolicy: "off"})
	says(t, err, `host key policy "off"`)
	_, err = remote.NewPool(remote.Settings{ConfigPath: write(t, t.TempDir()+"/config", "Host *\n  Include [\n")})
	says(t, err, "cannot read the SSH configuration")
}

// FuzzKnownHosts holds that no file makes a host trusted whose key is not in it.
func FuzzKnownHosts(f *testing.F) {
	for _, seed := range []string{"* ssh-ed25519 x", "@cert-authority * y", "@revoked a b", "|1|x|y z", "\x00", "a,b,!c * *"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := write(t, filepath.Join(t.TempDir(), "known_hosts"), text)
		err := remote.JudgeHostKey(path, "10.2.0.4:22", remotetest.NewSigner(t).PublicKey())
		if err == nil {
			t.Errorf("trusted by %q", text)
		}
	})
}
