//go:build integration

package cmd_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/internal/soak"
)

// TestIntegrationReset removes control plane nodes from a cluster of three, one of them while its host is off, and resets
// the whole cluster with runs that are killed.
func TestIntegrationReset(t *testing.T) {
	c := newTestCluster(t, "--control-planes", "3", "--workers", "1")
	c.bare = map[string]string{}
	for _, host := range haHosts() {
		c.bare[host] = c.on(t, host, fingerprint)
	}
	c.rewrite(t, encrypts()...) // nodes that join again need the key, and those that are reset must not keep it
	c.mustCreate(t, "--skip-verify")
	runParts(t, c, []part[*testCluster]{
		{"etcd keeps its quorum", resetRespectsQuorum},
		{"a host that is lost", resetAbandons},
		{"a control plane node leaves", resetTakesControlPlaneOut},
		{"its join is interrupted", controlPlaneLeavesKubeadm},
		{"they join again", resetNodeJoinsAgain},
		{"killed again and again", resetIsKilled},
	})
}

func haHosts() []string {
	return []string{hostName("cp-1"), hostName("cp-2"), hostName("cp-3"), hostName("worker-1")}
}

// address returns the IPv4 address of a host.
func (c *testCluster) address(t *testing.T, host string) string {
	t.Helper()
	return c.status(t)[host].IPv4
}

// expectNodes checks the names of the cluster's nodes.
func (c *testCluster) expectNodes(t *testing.T, want ...string) {
	t.Helper()
	if got := sorted(c.fields(t, `{.items[*].metadata.name}`, "get", "nodes")); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("nodes: %v, want %v", got, want)
	}
}

func resetRespectsQuorum(t *testing.T, c *testCluster) {
	t.Helper()
	c.mustRun(t, "stop", hostName("cp-3"))
	_, said, code := c.reset(t, "nodes", "--addresses", c.address(t, hostName("cp-2")), "--yes")
	if code != 4 || !strings.Contains(said, "etcd would lose its quorum: 1 of the 2 members that stay are healthy, and it takes 2") {
		t.Errorf("exit code %d, it says:\n%s", code, said)
	}
	c.expectNodes(t, haHosts()...)
}

func resetAbandons(t *testing.T, c *testCluster) {
	t.Helper()
	lost := c.address(t, hostName("cp-3"))
	result, said, code := c.reset(t, "nodes", "--addresses", lost, "--yes")
	if code != 3 || !strings.Contains(said, lost+" was not reset: ") || len(result.Unreachable) != 1 {
		t.Errorf("exit code %d, it says:\n%s", code, said)
	}
	c.expectNodes(t, haHosts()...)
	result, said, code = c.reset(t, "nodes", "--addresses", lost, "--yes", "--force")
	if code != 3 || !strings.Contains(said, lost+" was not reset: ") || result.Changes != 2 {
		t.Errorf("exit code %d, %d changes, it says:\n%s", code, result.Changes, said)
	}
	c.expectNodes(t, hostName("cp-1"), hostName("cp-2"), hostName("worker-1"))
	c.mustRun(t, "start", hostName("cp-3"))
	c.mustReset(t, "nodes", "--addresses", lost, "--yes")
	c.expectBare(t, hostName("cp-3"))
}

func resetTakesControlPlaneOut(t *testing.T, c *testCluster) {
	t.Helper()
	c.mustReset(t, "nodes", "--addresses", c.address(t, hostName("cp-1")), "--yes")
	c.expectBare(t, hostName("cp-1"))
	eventually(t, "the API answers at the VIP", func() string {
		if _, err := c.tryKube(t, "", "get", "--raw", "/readyz", "--request-timeout=2s"); err != nil {
			return err.Error()
		}
		return ""
	})
	c.expectNodes(t, hostName("cp-2"), hostName("worker-1"))
	// etcd has a single member now, which is its own quorum.
	c.apply(t, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: written\n")
}

// controlPlaneLeavesKubeadm interrupts the join of a control plane node when its etcd is already a member.
func controlPlaneLeavesKubeadm(t *testing.T, c *testCluster) {
	t.Helper()
	c.leaveKubeadm(t, hostName("cp-1"), "join-control-plane", "[ -e /var/lib/etcd/member/snap/db ]")
}

// resetIsKilled kills runs of reset at random moments, and lets the last one finish.
func resetIsKilled(t *testing.T, c *testCluster) {
	t.Helper()
	const longest = 6 * time.Second
	kills, seed := soak.Rounds(5, 40), soak.Seed(t, 20261128)
	random := rand.New(rand.NewPCG(seed, seed))
	for i := range kills {
		command := exec.CommandContext(t.Context(), c.program, "reset", "cluster", "-f", c.manifest, "--workspace-dir", c.workspaces, "--yes")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(random.Int64N(int64(longest)))
		kill := time.AfterFunc(after, func() { _ = command.Process.Kill() })
		err := command.Wait()
		kill.Stop()
		t.Logf("run %d, killed after %s: %v", i+1, after.Round(time.Millisecond), err)
		if exitCode(err) > 0 { // it failed before it was killed
			t.Errorf("run %d failed: %v", i+1, err)
		}
	}
	// A run may fail because firewalld still works on what a killed run had asked of it.
	eventually(t, "it is reset", func() string {
		_, said, code := c.reset(t, "cluster", "--yes")
		if code == 0 {
			return ""
		}
		t.Logf("exit code %d:\n%s", code, said)
		return fmt.Sprintf("exit code %d", code)
	})
	c.expectBare(t, haHosts()...)
	if again := c.mustReset(t, "cluster", "--yes"); again.Changes > 0 {
		t.Errorf("another reset changes %d things", again.Changes)
	}
}
