//go:build integration && trial

package cmd_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestTrialCreateIsCutOff has runs of create be killed in every phase. The next run always finishes what
// is left.
func TestTrialCreateIsCutOff(t *testing.T) {
	c := newTestCluster(t, "--workers", "1")
	runParts(t, c, []part[*testCluster]{
		{"killed again and again", createIsKilled},
		{"the next run finishes", createFinishes},
	})
}

// createIsKilled kills runs at random moments. What one has done the next one finds, so that they come
// to be killed in every phase.
func createIsKilled(t *testing.T, c *testCluster) {
	t.Helper()
	const kills, seed, longest = 20, 20261125, 15 * time.Second
	random := rand.New(rand.NewPCG(seed, seed))
	for i := range kills {
		command, said := c.begin(t)
		after := time.Duration(random.Int64N(int64(longest)))
		kill := time.AfterFunc(after, func() { _ = command.Process.Kill() })
		last := ""
		for said.Scan() {
			last = said.Text()
		}
		err := command.Wait()
		kill.Stop()
		t.Logf("run %d, killed after %s: %v, at %q", i+1, after.Round(time.Millisecond), err, last)
		if exitCode(err) > 0 { // it ended by itself before it was killed
			t.Errorf("run %d failed: %s", i+1, last)
		}
	}
}

func createFinishes(t *testing.T, c *testCluster) {
	t.Helper()
	c.mustCreate(t)
	if again := c.mustCreate(t, "--skip-verify"); again.Changes > 0 {
		t.Errorf("the second run changes %s", strings.Join(again.summary(), "\n"))
	}
	clusterNodesAsPlanned(t, c)
	clusterKeepsSecrets(t, c)
	clusterServes(t, c)
	for _, host := range []string{"labtest-cp-1", "labtest-worker-1"} {
		if left := c.on(t, host, "ls -A /var/lib/dualstrap/images /var/lib/dualstrap/restart 2>/dev/null | grep -v : || true"); left != "" {
			t.Errorf("%s: left behind: %s", host, left)
		}
	}
}
