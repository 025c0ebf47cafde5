//go:build integration

package change_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/change"
)

// slow returns a desired state with a unit whose start blocks until the test creates a file.
func slow() change.Desired {
	const unit = `[Service]
ExecStartPre=/bin/sh -c ': >/run/slow-begun; until [ -e /run/slow-may-end ]; do sleep 0.1; done'
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
`
	return change.Desired{
		Files: []change.File{{Path: "/etc/systemd/system/slow.service", Mode: 0o644, Content: []byte(unit), Restarts: []string{"slow.service"}}},
		Units: []change.Unit{{Name: "slow.service", Start: true}},
	}
}

// sshd authorizes the test at the machine's own SSH server, and returns how a child in the machine's network
// reaches it. Unlike the test server, sshd leaves scripts running after their connection is lost.
func (m *machine) sshd() reach {
	m.tb.Helper()
	dir := m.tb.TempDir()
	to := reach{Port: 22, Key: filepath.Join(dir, "key"), KnownHosts: filepath.Join(dir, "known_hosts"), Slow: true}
	made, err := exec.CommandContext(m.tb.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", to.Key).CombinedOutput()
	if err != nil {
		m.tb.Fatalf("cannot make a key: %v\n%s", err, made)
	}
	public, err := os.ReadFile(to.Key + ".pub")
	if err != nil {
		m.tb.Fatal(err)
	}
	m.sh("mkdir -p -m 0700 /root/.ssh; echo '" + strings.TrimSpace(string(public)) + "' >/root/.ssh/authorized_keys")
	known := "127.0.0.1 " + m.sh("cat /etc/ssh/ssh_host_ed25519_key.pub") + "\n"
	if err := os.WriteFile(to.KnownHosts, []byte(known), 0o600); err != nil {
		m.tb.Fatal(err)
	}
	return to
}

// insideCommand runs a child in the machine's network.
func (m *machine) insideCommand(ctx context.Context, to reach) *exec.Cmd {
	m.tb.Helper()
	command := exec.CommandContext(ctx, "nsenter", "--net=/proc/"+m.pid+"/ns/net", "--", os.Args[0])
	command.Env = append(os.Environ(), childVariable+"="+to.encode(m.tb))
	command.Stderr = m.tb.Output()
	return command
}

// TestIntegrationNextRunWaitsForScripts kills a run while its script is still working on the host. The next run waits for
// that script, so that its plan is based on the script's result and not on a state in between.
func TestIntegrationNextRunWaitsForScripts(t *testing.T) {
	m := newMachine(t)
	to := m.sshd()
	first := m.insideCommand(t.Context(), to)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	m.sh("timeout 60 sh -c 'until [ -e /run/slow-begun ]; do sleep 0.1; done'")
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // it was killed

	second := m.insideCommand(t.Context(), to)
	said, err := second.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	planned := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(io.TeeReader(said, t.Output())).ReadString('\n')
		planned <- line
	}()
	m.sh("timeout 60 sh -c 'until pgrep -f \"^flock --timeout 300\"; do sleep 0.1; done'")
	select {
	case line := <-planned:
		t.Errorf("it has not waited: %s", line)
	default:
	}
	m.sh(": >/run/slow-may-end")
	if got, want := <-planned, "0 actions\n"; got != want {
		t.Errorf("got the plan %q, want %q: the script has done everything", got, want)
	}
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
	m.sh("systemctl is-active slow.service")
}

func printPlan(actions []change.Action) {
	fmt.Fprintf(os.Stdout, "%d actions\n", len(actions))
}
