//go:build integration

package remote_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// sshd is OpenSSH's server on loopback, with a configuration of its own.
type sshd struct {
	dir     string
	port    uint16
	kinds   []string // of its host keys
	home    string   // of whoever logs in: what root's own shell starts is not the matter
	process *os.Process
}

// program gives the path of a program that the test needs.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install %s", name, pkg)
	}
	return path
}

// tell runs a program and gives what it prints.
func tell(t *testing.T, name string, args ...string) string {
	t.Helper()
	output, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
	return string(output)
}

// keygen makes a key pair and gives the path of the private key.
func keygen(t *testing.T, dir, name, kind, passphrase string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	tell(t, program(t, "ssh-keygen", "openssh-client"), "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", path)
	return path
}

// newSSHD prepares a server with host keys of the given types, ed25519 by default, which lets root in
// with the key "login".
func newSSHD(t *testing.T, kinds ...string) *sshd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("sshd lets others in only when it runs as root")
	}
	if len(kinds) == 0 {
		kinds = []string{"ed25519"}
	}
	s := &sshd{dir: t.TempDir(), port: closedPort(t), kinds: kinds, home: t.TempDir()}
	for _, kind := range kinds {
		keygen(t, s.dir, kind, kind, "")
	}
	login := keygen(t, s.dir, "login", "ed25519", "")
	write(t, filepath.Join(s.dir, "authorized"), read(t, login+".pub"))
	return s
}

// start starts the server with additional lines of configuration. It ends with the test.
func (s *sshd) start(t *testing.T, lines ...string) *sshd {
	t.Helper()
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // where sshd locks its helpers in
		t.Fatal(err)
	}
	config := append([]string{
		fmt.Sprintf("ListenAddress 127.0.0.1:%d", s.port), "PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin yes",
		"AuthorizedKeysFile " + s.dir + "/authorized", "SetEnv HOME=" + s.home, // what root's own shell starts is not the matter
		"PasswordAuthentication no", "KbdInteractiveAuthentication no",
	}, lines...)
	if !strings.Contains(strings.Join(lines, "\n"), "HostKey ") {
		for _, kind := range s.kinds {
			config = append(config, "HostKey "+filepath.Join(s.dir, kind))
		}
	}
	path := write(t, filepath.Join(s.dir, "sshd_config"), strings.Join(config, "\n")+"\n")
	var log bytes.Buffer
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", path)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("sshd is missing: apt-get install openssh-server: %v", err)
	}
	s.process = cmd.Process
	t.Cleanup(func() {
		for _, pid := range s.sessions(t) {
			syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
		}
		cmd.Process.Kill() //nolint:errcheck // as above
		cmd.Wait()         //nolint:errcheck // it was killed
		if t.Failed() {
			t.Logf("sshd says:\n%s", log.String())
		}
	})
	waitFor(t, "sshd does not listen", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			conn.Close() //nolint:errcheck // it was only a knock
		}
		return err == nil
	})
	return s
}

// waitFor asks again and again until something is so.
func waitFor(t *testing.T, otherwise string, isSo func() bool) {
	t.Helper()
	for ctx := bound(t); !isSo(); time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal(otherwise)
		}
	}
}

// sessions gives the processes of connections.
func (s *sshd) sessions(t *testing.T) []int {
	t.Helper()
	var pids []int
	for next := []int{s.process.Pid}; len(next) > 0; next = next[1:] {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", next[0], next[0]))
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
		for _, word := range strings.Fields(string(children)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Error(err)
			}
			name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // it may have ended
			if strings.HasPrefix(string(name), "sshd") {
				pids = append(pids, pid)
				next = append(next, pid)
			}
		}
	}
	return pids
}

// knows is a line of known_hosts for one of the server's keys.
func (s *sshd) knows(t *testing.T, kind string) string {
	t.Helper()
	return fmt.Sprintf("[127.0.0.1]:%d %s", s.port, read(t, filepath.Join(s.dir, kind+".pub")))
}

// settings are those of a user who knows the server and has its key.
func (s *sshd) settings(t *testing.T) remote.Settings {
	t.Helper()
	return remote.Settings{
		Port: s.port, PrivateKeyPath: filepath.Join(s.dir, "login"), ConfigPath: remote.None, AgentSocket: remote.None, Home: t.TempDir(),
		KnownHostsPath: write(t, filepath.Join(t.TempDir(), "known_hosts"), s.knows(t, "ed25519")),
		ConnectTimeout: patience, KeepAlive: patience,
	}
}

// host connects.
func (s *sshd) host(t *testing.T, change ...func(*remote.Settings)) (remote.Host, error) {
	t.Helper()
	settings := s.settings(t)
	for _, each := range change {
		each(&settings)
	}
	return pool(t, settings).Host(bound(t), netip.MustParseAddr("127.0.0.1"))
}

// works connects and runs a script.
func (s *sshd) works(t *testing.T, change ...func(*remote.Settings)) {
	t.Helper()
	host, err := s.host(t, change...)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := host.Probe(bound(t), remote.Script{Name: "who", Body: "answer who id -un"})
	if err != nil || answer.Text("who") != "root" {
		t.Errorf("answer %q, error %v", answer.Text("who"), err)
	}
}

func known(t *testing.T, text string) func(*remote.Settings) {
	t.Helper()
	path := write(t, filepath.Join(t.TempDir(), "known_hosts"), text)
	return func(s *remote.Settings) { s.KnownHostsPath = path }
}

// A host with several keys shows the one by which it is known.
func TestOpenSSHHostKeys(t *testing.T) {
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

// A host that was installed anew, with keys of other types only, has changed.
func TestOpenSSHOtherKeyType(t *testing.T) {
	t.Parallel()
	server := newSSHD(t, "ed25519", "ecdsa")
	server.start(t, "HostKey "+server.dir+"/ecdsa")
	_, err := server.host(t)
	reason(t, err, remote.ErrHostKeyChanged)
	says(t, err, "it shows ecdsa-sha2-nistp256 SHA256:", "known_hosts:1 has ssh-ed25519 SHA256:")
}

func TestOpenSSHCertificates(t *testing.T) {
	t.Parallel()
	server := newSSHD(t, "ed25519", "rsa")
	authority := keygen(t, server.dir, "authority", "ed25519", "")
	// The authority's key is of another type than the host's.
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

// startAgent starts an agent that ends with the test.
func startAgent(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command(program(t, "ssh-agent", "openssh-client"), "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // it was killed
	})
	waitFor(t, "the agent does not start", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	return socket
}

func TestOpenSSHAgent(t *testing.T) {
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

func TestOpenSSHJumpHost(t *testing.T) {
	t.Parallel()
	target, jump := newSSHD(t), newSSHD(t, "ecdsa")
	target.start(t)
	jump.start(t)
	config := write(t, filepath.Join(t.TempDir(), "config"), fmt.Sprintf(`
Host bastion
  HostName 127.0.0.1
  Port %d
  User root
  IdentityFile %s/login
Host 127.0.0.1
  ProxyJump bastion
`, jump.port, jump.dir))
	both := known(t, target.knows(t, "ed25519")+jump.knows(t, "ecdsa"))
	through := func(s *remote.Settings) { s.ConfigPath = config }
	target.works(t, both, through)
	if len(jump.sessions(t)) == 0 {
		t.Error("the jump host has seen nobody")
	}
	_, err := target.host(t, both, through, func(s *remote.Settings) { s.Port = closedPort(t) })
	reason(t, err, remote.ErrRefused)
	_, err = target.host(t, known(t, target.knows(t, "ed25519")), through)
	reason(t, err, remote.ErrHostKeyUnknown)
	says(t, err, fmt.Sprintf("[127.0.0.1]:%d", jump.port))
}

// sshd drops most connections when four wait for their login, and everybody gets in all the same.
func TestOpenSSHMaxStartups(t *testing.T) {
	t.Parallel()
	server := newSSHD(t).start(t, "MaxStartups 2:70:4")
	results := make(chan error)
	for range 16 {
		go func() {
			_, err := server.host(t)
			results <- err
		}()
	}
	for range 16 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestOpenSSHMaxSessions(t *testing.T) {
	t.Parallel()
	for _, most := range []string{"2", "10"} {
		server := newSSHD(t).start(t, "MaxSessions "+most)
		host, err := server.host(t)
		if err != nil {
			t.Fatal(err)
		}
		results := make(chan error)
		for range 20 {
			go func() {
				_, err := host.Probe(bound(t), remote.Script{Name: "nap", Body: "sleep 0.02"})
				results <- err
			}()
		}
		for range 20 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	}
}

func TestOpenSSHNoSessions(t *testing.T) {
	t.Parallel()
	server := newSSHD(t).start(t, "MaxSessions 0", "LogLevel ERROR")
	host, err := server.host(t)
	if err != nil {
		t.Fatal(err)
	}
	_, err = host.Probe(bound(t), remote.Script{Name: "none"})
	reason(t, err, remote.ErrProtocol)
	says(t, err, "opens no session")
}

// A script waits for its turn for as long as those before it take.
func TestOpenSSHOneSession(t *testing.T) {
	t.Parallel()
	server := newSSHD(t).start(t, "MaxSessions 1")
	host, err := server.host(t)
	if err != nil {
		t.Fatal(err)
	}
	running, ended := filepath.Join(t.TempDir(), "running"), make(chan error)
	go func() {
		// Longer than a host may refuse sessions without a reason.
		_, err := host.Run(bound(t), remote.Script{Name: "long", Body: `: >"$1"; sleep 12`, Args: []string{running}})
		ended <- err
	}()
	waitFor(t, "the script does not start", func() bool {
		_, err := os.Stat(running)
		return err == nil
	})
	if _, err := host.Probe(bound(t), remote.Script{Name: "next"}); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A host that goes silent, its connection open, is noticed.
func TestOpenSSHSilence(t *testing.T) {
	t.Parallel()
	server := newSSHD(t).start(t)
	host, err := server.host(t, func(s *remote.Settings) { s.KeepAlive = 100 * time.Millisecond })
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range server.sessions(t) {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	_, err = host.Run(bound(t), remote.Script{Name: "long", Body: "sleep 1000"})
	reason(t, err, remote.ErrConnectionLost)
	says(t, err, "silent")
}

// An upload that is cut off by the end of sshd's process goes on where it was.
func TestOpenSSHUploadResumes(t *testing.T) {
	t.Parallel()
	server := newSSHD(t).start(t)
	hosts := pool(t, server.settings(t))
	host, err := hosts.Host(bound(t), netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	const size, half = 4 << 20, 2 << 20
	content := newBlob(t, size, false)
	upload := content.upload(filepath.Join(t.TempDir(), "opt", "image"), me(t), false)
	part := filepath.Join(filepath.Dir(upload.Path), ".image.dualstrap-"+upload.SHA256[:16]+".part")
	cut := make(chan struct{})
	first := upload
	first.Open = content.openHeld(half, cut)
	failed := make(chan error)
	go func() {
		_, err := host.Upload(bound(t), first)
		failed <- err
	}()
	waitFor(t, "nothing arrives", func() bool { return sizeOf(part) >= half/2 })
	for _, pid := range server.sessions(t) {
		syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // its parent took it along
	}
	close(cut)
	reason(t, <-failed, remote.ErrConnectionLost)
	// What had arrived is being written still, by a process that nobody waits for.
	waitFor(t, "the first upload does not end", func() bool { return !isOpen(part) })
	if arrived := sizeOf(part); arrived < half/2 {
		t.Fatalf("%d bytes are left of the first upload", arrived)
	}
	if host, err = hosts.Host(bound(t), netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	sent := content.count(&upload)
	if changed, err := host.Upload(bound(t), upload); err != nil || !changed {
		t.Fatalf("changed %t, error %v", changed, err)
	}
	if read(t, upload.Path) != string(content.content) {
		t.Error("other content")
	}
	if content.opened != 2 || *sent != size {
		t.Errorf("the content was opened %d times and read for %d bytes: it began anew", content.opened, *sent)
	}
	alone(t, upload.Path)
}

// sizeOf is how long a file is; -1 when it is not there.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return info.Size()
}

// isOpen reports whether a process of this machine has a file open.
func isOpen(path string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is valid
	return slices.ContainsFunc(files, func(file string) bool {
		target, err := os.Readlink(file)
		return err == nil && target == path
	})
}

// newUser makes a user who ends with the test, and gives its name.
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
	// The login needs no more than to read the keys.
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

// Whatever the login shell is, and whatever its user has it print, scripts run and answers come as
// they are; with sudo, and without it not at all.
func TestOpenSSHLoginShells(t *testing.T) {
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
			t.Cleanup(func() { os.Remove(rule) }) //nolint:errcheck // userdel would not
			answer, err := host.Probe(bound(t), remote.Script{
				Name: "who", Body: `answer who id -un; answer args printf '%s|' "$@"; echo mine >&2; answer input cat`,
				Args: []string{"a b", "!x $y `z`", "'"}, Stdin: strings.NewReader("in\n\x00put"),
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
