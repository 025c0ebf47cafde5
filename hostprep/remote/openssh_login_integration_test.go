//go:build integration

package remote_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// A host with several keys shows the known one.
func TestIntegrationOpenSSHHostKeys(t *testing.T) {
	t.Parallel()
	server := newSSHD(t, "ed25519", "rsa", "ecdsa").start(t)
	for _, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		server.works(t, known(t, server.knows(t, kind)))
	}
	hashed := write(t, filepath.Join(t.TempDir(), "known_hosts"), server.knows(t, "rsa"))
	tell(t, "ssh-keygen", "-H", "-f", hashed)
	if strings.Contains(read(t, hashed), "127.0.0.1") {
		t.Fatal("the file is not hashed")
	}
	server.works(t, func(s *remote.Settings) { s.KnownHostsPath = hashed })

	_, err := server.host(t, known(t, server.knows(t, "ed25519")+"@revoked * "+read(t, filepath.Join(server.dir, "ed25519.pub"))))
	reason(t, err, remote.ErrHostKeyRevoked)
	_, err = server.host(t, known(t, ""))
	reason(t, err, remote.ErrHostKeyUnknown)
	accepted := filepath.Join(t.TempDir(), "known_hosts")
	server.works(t, func(s *remote.Settings) { s.KnownHostsPath, s.HostKeyPolicy = accepted, remote.AcceptNew })
	found := tell(t, "ssh-keygen", "-F", fmt.Sprintf("[127.0.0.1]:%d", server.port), "-f", accepted)
	if !strings.Contains(found, "found") {
		t.Errorf("ssh-keygen does not find what was accepted: %s", found)
	}
}

// A host that was reinstalled, and has keys of other types only, is reported as changed.
func TestIntegrationOpenSSHOtherKeyType(t *testing.T) {
	t.Parallel()
	server := newSSHD(t, "ed25519", "ecdsa")
	server.start(t, "HostKey "+server.dir+"/ecdsa")
	_, err := server.host(t)
	reason(t, err, remote.ErrHostKeyChanged)
	says(t, err, "it shows ecdsa-sha2-nistp256 SHA256:", "known_hosts:1 has ssh-ed25519 SHA256:")
}

func TestIntegrationOpenSSHCertificates(t *testing.T) {
	t.Parallel()
	server := newSSHD(t, "ed25519", "rsa")
	authority := keygen(t, server.dir, "authority", "ed25519", "")
	// The authority's key has another type than the host's key.
	tell(t, "ssh-keygen", "-q", "-s", authority, "-I", "host", "-h", "-n", "127.0.0.1", server.dir+"/rsa.pub")
	user := keygen(t, server.dir, "user", "ed25519", "")
	tell(t, "ssh-keygen", "-q", "-s", authority, "-I", "user", "-n", "root", user+".pub")
	server.start(t, "HostKey "+server.dir+"/rsa", "HostCertificate "+server.dir+"/rsa-cert.pub", "TrustedUserCAKeys "+authority+".pub")

	trusted := known(t, "@cert-authority *.0.0.1,127.0.* "+read(t, authority+".pub"))
	server.works(t, trusted)
	server.works(t, trusted, func(s *remote.Settings) { s.PrivateKeyPath = user })
	_, err := server.host(t, known(t, "@cert-authority *.example.com "+read(t, authority+".pub")))
	reason(t, err, remote.ErrHostKeyUnknown)
}

// startAgent starts an SSH agent that stops when the test ends.
func startAgent(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command(program(t, "ssh-agent", "openssh-client"), "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	waitFor(t, "the agent does not start", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	return socket
}

func TestIntegrationOpenSSHAgent(t *testing.T) {
	t.Parallel()
	server := newSSHD(t)
	locked := keygen(t, server.dir, "locked", "ed25519", "correct horse")
	old := keygen(t, server.dir, "old", "ecdsa", "correct horse")
	write(t, server.dir+"/authorized", read(t, locked+".pub")+read(t, old+".pub"))
	server.start(t)
	socket := startAgent(t)
	use := func(key string) func(*remote.Settings) {
		return func(s *remote.Settings) { s.PrivateKeyPath, s.AgentSocket = key, socket }
	}
	_, err := server.host(t, use(locked))
	reason(t, err, remote.ErrAuthentication)
	says(t, err, "the agent does not hold it", "ssh-add "+locked)

	askpass := write(t, server.dir+"/askpass", "#!/bin/sh\necho correct horse\n")
	if err := os.Chmod(askpass, 0o700); err != nil {
		t.Fatal(err)
	}
	add := exec.Command("ssh-add", locked, old)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket, "SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force")
	if output, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	server.works(t, use(locked))
	server.works(t, use(old))
	server.works(t, use(""))
	server.works(t, use(locked+".pub"))
	config := write(t, filepath.Join(t.TempDir(), "config"), "Host 127.0.0.1\n  IdentityFile "+server.dir+"/login\n  IdentitiesOnly yes\n")
	_, err = server.host(t, use(""), func(s *remote.Settings) { s.ConfigPath = config })
	reason(t, err, remote.ErrAuthentication)
}

// newUser creates a user for the duration of the test, and returns its name.
func newUser(t *testing.T, server *sshd, shell string) string {
	t.Helper()
	name := fmt.Sprintf("dst%d%s", os.Getpid(), filepath.Base(shell))
	tell(t, "useradd", "--no-create-home", "--home-dir", server.home, "--shell", program(t, shell, shell), "--password", "*", name)
	t.Cleanup(func() {
		for tries := 0; ; tries++ {
			output, err := exec.Command("userdel", name).CombinedOutput()
			var exit *exec.ExitError
			if err == nil {
				return
			}
			if !errors.As(err, &exit) || exit.ExitCode() != 8 || tries == 500 { // 8: still logged in
				t.Errorf("userdel %s: %v\n%s", name, err, output)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	// sshd needs nothing more than to read the authorized keys as that user.
	for dir := server.dir; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for dir := server.home; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(server.dir+"/authorized", 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// Scripts run and answers are unchanged with every login shell, whatever its startup files print. Without sudo, a user other than
// root cannot run them at all.
func TestIntegrationOpenSSHLoginShells(t *testing.T) {
	for _, shell := range []string{"bash", "dash", "fish", "tcsh"} {
		t.Run(shell, func(t *testing.T) {
			server := newSSHD(t)
			write(t, server.dir+"/banner", "authorized use only\n")
			server.start(t, "Banner "+server.dir+"/banner", "PrintMotd yes")
			user := newUser(t, server, shell)
			for _, rc := range []string{".bashrc", ".profile", ".tcshrc", ".cshrc", ".config/fish/config.fish"} {
				path := write(t, filepath.Join(server.home, rc), "echo noise of a login shell\n")
				tell(t, "chown", "-R", user, server.home)
				if err := os.Chmod(path, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			as := func(s *remote.Settings) { s.User = user }
			host, err := server.host(t, as)
			if err != nil {
				t.Fatal(err)
			}
			_, err = host.Probe(bound(t), remote.Script{Name: "who"})
			reason(t, err, remote.ErrSudo)

			rule := "/etc/sudoers.d/" + user
			write(t, rule, user+" ALL=(ALL) NOPASSWD: ALL\n")
			t.Cleanup(func() { // userdel does not remove it
				if err := os.Remove(rule); err != nil {
					t.Error(err)
				}
			})
			answer, err := host.Probe(bound(t), remote.Script{
				Name: "who", Body: `answer who id -un; answer args printf '%s|' "$a" "$b" "$c"; echo mine >&2; answer input cat`,
				Args: remote.Args{"a": "a b", "b": "!x $y `z`", "c": "'"}, Stdin: strings.NewReader("in\n\x00put"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if answer.Text("who") != "root" || answer.Text("args") != "a b|!x $y `z`|'|" ||
				answer.Text("input") != "in\n\x00put" || answer.Stderr != "mine\n" {
				t.Errorf("answer %q, standard error %q", fmt.Sprint(answer.Values), answer.Stderr)
			}
			write(t, rule, user+" ALL=(ALL) NOPASSWD: /bin/true\n")
			_, err = host.Probe(bound(t), remote.Script{Name: "who"})
			reason(t, err, remote.ErrSudo)
		})
	}
}
