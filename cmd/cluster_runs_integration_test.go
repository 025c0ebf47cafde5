//go:build integration

package cmd_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// clusterKeepsRunsApart begins a run, which another one must not get into the way of, and kills it.
func clusterKeepsRunsApart(t *testing.T, c *testCluster) {
	t.Helper()
	const lock = "cat /run/dualstrap.lock 2>/dev/null || true"
	// It stays in the middle: it waits for a kubeadm that seems to run.
	c.on(t, "labtest-cp-1", "systemd-run -q --unit=kubeadm-runs flock /run/dualstrap-kubeadm.lock sleep infinity")
	first := exec.CommandContext(t.Context(), c.program, "create", "cluster", "-f", c.manifest, "--bundle", c.bundle,
		"--workspace-dir", c.workspaces)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first run has the lock", func() string {
		if strings.Contains(c.on(t, "labtest-cp-1", lock), fmt.Sprintf("process %d, since 20", first.Process.Pid)) {
			return ""
		}
		return "it has not"
	})
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	_, said, err := c.create(t)
	want := fmt.Sprintf("another run is changing this cluster: 10.2.0.4 is locked by root@%s, process %d, since 20", name, first.Process.Pid)
	if got := exitCode(err); got != 4 || !strings.Contains(said, want) {
		t.Errorf("exit code %d, it does not say %q:\n%s", got, want, said)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // it was killed
	c.on(t, "labtest-cp-1", "systemctl stop kubeadm-runs")
	if again := c.mustCreate(t, "--skip-verify"); again.Changes > 0 {
		t.Errorf("the run after it changes %s", strings.Join(again.summary(), "\n"))
	}
	if left := c.on(t, "labtest-cp-1", lock); left != "" {
		t.Errorf("the lock is left: %s", left)
	}
}

func exitCode(err error) int {
	if ended, is := err.(*exec.ExitError); is { //nolint:errorlint // Run gives it as it is
		return ended.ExitCode()
	}
	return 0
}
