//go:build integration

package cmd_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// clusterKeepsRunsApart starts a run, checks that a second one is refused meanwhile, and kills the first.
func clusterKeepsRunsApart(t *testing.T, c *testCluster) {
	t.Helper()
	const lock = "cat /run/dualstrap.lock 2>/dev/null || true"
	// The run stops half-way: it waits for a kubeadm that seems to run.
	c.on(t, hostName("cp-1"), "systemd-run -q --unit=kubeadm-runs flock /run/dualstrap-kubeadm.lock sleep infinity")
	first := exec.CommandContext(t.Context(), c.program, "create", "cluster", "-f", c.manifest, "--bundle", c.bundle,
		"--workspace-dir", c.workspaces)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first run has the lock", func() string {
		if strings.Contains(c.on(t, hostName("cp-1"), lock), fmt.Sprintf("process %d, since 20", first.Process.Pid)) {
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
	c.on(t, hostName("cp-1"), "systemctl stop kubeadm-runs")
	if again := c.mustCreate(t, "--skip-verify"); again.Changes > 0 {
		t.Errorf("the run after it changes %s", strings.Join(again.summary(), "\n"))
	}
	if left := c.on(t, hostName("cp-1"), lock); left != "" {
		t.Errorf("the lock is left: %s", left)
	}
}

// clusterIsReachedFromElsewhere runs create with another workspace, as from another workstation.
func clusterIsReachedFromElsewhere(t *testing.T, c *testCluster) {
	t.Helper()
	elsewhere := *c
	elsewhere.workspaces = t.TempDir()
	if again := elsewhere.mustCreate(t, "--skip-verify"); again.Changes > 0 {
		t.Errorf("a run from elsewhere changes %s", strings.Join(again.summary(), "\n"))
	}
	here, there := c.kube(t, "get", "nodes", "-o", "name"), elsewhere.kube(t, "get", "nodes", "-o", "name")
	if here != there {
		t.Errorf("with the kubeconfig that was fetched again the nodes are %q, not %q", there, here)
	}
}

// clusterGrows creates a cluster without one of its workers, and adds it later: the other nodes are left alone.
func clusterGrows(t *testing.T, c *testCluster) {
	t.Helper()
	c.rewrite(t, named("  - address: 10.2.0.6 # LAB-worker-2\n"), "")
	c.mustCreate(t, "--skip-verify")
	kubelets := func() string {
		return c.on(t, hostName("cp-1"), started) + c.on(t, hostName("worker-1"), started)
	}
	before := kubelets()
	c.rewrite(t)
	grown := c.mustCreate(t, "--skip-verify")
	own := regexp.MustCompile(named(`^10\.2\.0\.6 |^10\.2\.0\.4 apply-manifests: (create Node LAB-worker-2|update NodePool .*: spec\.nodes$)`))
	for _, change := range grown.summary() {
		if !own.MatchString(change) {
			t.Errorf("with one worker more it changes %s", change)
		}
	}
	if after := kubelets(); after != before {
		t.Errorf("others are disturbed: their services' processes were %q and are %q", before, after)
	}
	if nodes := c.fields(t, `{.items[*].metadata.name}`, "get", "nodes"); len(nodes) != 3 {
		t.Errorf("the nodes are %v", nodes)
	}
}

// started prints the main process IDs of a host's services, which change when a service is restarted.
const started = "systemctl show -p MainPID --value kubelet containerd firewalld"

// exitCode returns the exit code of a process that ended with err: 0 if err is nil, and negative if a signal ended it.
func exitCode(err error) int {
	if ended, is := errors.AsType[*exec.ExitError](err); is {
		return ended.ExitCode()
	}
	return 0
}
