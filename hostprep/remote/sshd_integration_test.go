//go:build integration

package remote_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// sshd is an OpenSSH server on the loopback interface, with its own configuration.
type sshd struct {
	dir     string
	port    uint16
	kinds   []string // the types of its host keys
	home    string   // the home directory of users who log in, so that root's own startup files do not matter
	process *os.Process
}

// program returns the path of a program, and fails the test if it is missing.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install %s", name, pkg)
	}
	return path
}

// tell runs a program and returns its output.
func tell(t *testing.T, name string, args ...string) string {
	t.Helper()
	output, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, output)
	}
	return string(output)
}

// keygen creates a key pair and returns the path of the private key.
func keygen(t *testing.T, dir, name, kind, passphrase string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	tell(t, program(t, "ssh-keygen", "openssh-client"), "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", path)
	return path
}

// newSSHD prepares a server with host keys of the given types; ed25519 by default. The key "login" may log in as root.
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

// start starts the server with additional lines of configuration. It stops when the test ends.
func (s *sshd) start(t *testing.T, lines ...string) *sshd {
	t.Helper()
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd's privilege separation directory
		t.Fatal(err)
	}
	config := append([]string{
		fmt.Sprintf("ListenAddress 127.0.0.1:%d", s.port), "PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin yes",
		"AuthorizedKeysFile " + s.dir + "/authorized", "SetEnv HOME=" + s.home, // root's own startup files do not matter
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
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
		cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("sshd says:\n%s", log.String())
		}
	})
	waitFor(t, "sshd does not listen", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return s
}

// waitFor polls until a condition is true. It fails the test with the text otherwise if that takes too long.
func waitFor(t *testing.T, otherwise string, isSo func() bool) {
	t.Helper()
	for ctx := bound(t); !isSo(); time.Sleep(10 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal(otherwise)
		}
	}
}

// sessions returns the PIDs of sshd's processes for connections.
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

// knows returns the known_hosts line for one of the server's keys.
func (s *sshd) knows(t *testing.T, kind string) string {
	t.Helper()
	return fmt.Sprintf("[127.0.0.1]:%d %s", s.port, read(t, filepath.Join(s.dir, kind+".pub")))
}

// settings returns the settings of a user who knows the server's keys and may log in.
func (s *sshd) settings(t *testing.T) remote.Settings {
	t.Helper()
	return remote.Settings{
		Port: s.port, PrivateKeyPath: filepath.Join(s.dir, "login"), ConfigPath: remote.None, AgentSocket: remote.None, Home: t.TempDir(),
		KnownHostsPath: write(t, filepath.Join(t.TempDir(), "known_hosts"), s.knows(t, "ed25519")),
		ConnectTimeout: patience, KeepAlive: patience,
	}
}

// host connects to the server.
func (s *sshd) host(t *testing.T, change ...func(*remote.Settings)) (remote.Host, error) {
	t.Helper()
	settings := s.settings(t)
	for _, each := range change {
		each(&settings)
	}
	return pool(t, settings).Host(bound(t), netip.MustParseAddr("127.0.0.1"))
}

// works checks that a connection succeeds and runs scripts.
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
