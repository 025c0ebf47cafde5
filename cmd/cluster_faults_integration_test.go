//go:build integration

package cmd_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// TestIntegrationCreateIsCutOff has runs of create end in the middle: a host reboots, the API server dies,
// the program is killed. The next run always finishes what is left.
func TestIntegrationCreateIsCutOff(t *testing.T) {
	c := newTestCluster(t, "--workers", "1")
	runParts(t, c, []part[*testCluster]{
		{"a host reboots", createMeetsReboot},
		{"a host loses its network", createLosesNetwork},
		{"the API server is killed", createLosesAPI},
		{"a kubeadm is left behind", createLeavesKubeadm},
		{"killed again and again", createIsKilled},
		{"the next run finishes", createFinishes},
	})
}

// interrupt runs create, and does something as soon as it says that a host has come to a phase. It
// gives the exit code, which is negative when it was killed, and all that was said.
func (c *testCluster) interrupt(t *testing.T, at string, do func(create *os.Process)) (int, string) {
	t.Helper()
	command, said := c.begin(t)
	var all strings.Builder
	for said.Scan() {
		all.WriteString(said.Text() + "\n")
		if said.Text() == at {
			do(command.Process)
			do = func(*os.Process) {}
		}
	}
	return exitCode(command.Wait()), all.String()
}

// createMeetsReboot has a worker reboot while it joins.
func createMeetsReboot(t *testing.T, c *testCluster) {
	t.Helper()
	code, said := c.interrupt(t, "10.2.0.5 join", func(*os.Process) {
		time.Sleep(time.Second)
		c.mustRun(t, "reboot", hostName("worker-1"))
	})
	if code != 3 || !strings.Contains(said, "dualstrap: 10.2.0.5: join: ") {
		t.Errorf("exit code %d, it says:\n%s", code, said)
	}
}

// createLosesNetwork cuts a worker off for a minute as soon as it joins. Either the run is about to use the connection
// and says that it is lost, or it waits for the node and goes on when that is back.
func createLosesNetwork(t *testing.T, c *testCluster) {
	t.Helper()
	healed := make(chan error, 1)
	code, said := c.interrupt(t, "10.2.0.5 join", func(*os.Process) {
		c.mustRun(t, "disconnect", hostName("worker-1"))
		time.AfterFunc(time.Minute, func() {
			_, _, err := c.run(t, "connect", hostName("worker-1"))
			healed <- err
		})
	})
	if err := <-healed; err != nil {
		t.Fatal(err)
	}
	t.Logf("exit code %d", code)
	isTold := strings.Contains(said, "dualstrap: 10.2.0.5: join: ") && strings.Contains(said, "connection lost")
	if code != 0 && (code != 3 || !isTold) {
		t.Errorf("it says:\n%s", said)
	}
}

// createLosesAPI kills the API server while a worker joins. The kubelet starts it again, and all wait.
func createLosesAPI(t *testing.T, c *testCluster) {
	t.Helper()
	code, said := c.interrupt(t, "10.2.0.5 join", func(*os.Process) {
		c.on(t, hostName("cp-1"), "pkill -KILL -x kube-apiserver")
	})
	if code != 0 {
		t.Errorf("exit code %d, it says:\n%s", code, said)
	}
}

// leaveKubeadm stops the kubeadm of a host that comes to a phase, as soon as a condition holds there, and kills the run:
// such a kubeadm never comes to its end, like one that waits with a token that is no more.
func (c *testCluster) leaveKubeadm(t *testing.T, host, phase, condition string) {
	t.Helper()
	code, said := c.interrupt(t, c.address(t, host)+" "+phase, func(create *os.Process) {
		c.on(t, host, "timeout 60 sh -c 'until "+condition+" && pkill -STOP -x kubeadm; do sleep 0.05; done'")
		_ = create.Kill() // it waits for that
	})
	if code >= 0 {
		t.Fatalf("it has ended by itself, with exit code %d:\n%s", code, said)
	}
}

func createLeavesKubeadm(t *testing.T, c *testCluster) {
	t.Helper()
	c.mustReset(t, "nodes", "--addresses", "10.2.0.5", "--yes")
	c.leaveKubeadm(t, hostName("worker-1"), "join", "true")
	c.mustCreate(t, "--skip-verify")
	if left := c.on(t, hostName("worker-1"), "pgrep -x kubeadm || true"); left != "" {
		t.Errorf("it still runs: process %s", left)
	}
}

// createIsKilled kills runs at random moments. What one has done the next one finds, so that they come
// to be killed in every phase. When one has come to its end, all begins anew.
func createIsKilled(t *testing.T, c *testCluster) {
	t.Helper()
	const kills, seed, longest = 30, 20261125, 15 * time.Second
	random := rand.New(rand.NewPCG(seed, seed))
	for i := range kills {
		command, said := c.begin(t)
		after := time.Duration(random.Int64N(int64(longest)))
		kill := time.AfterFunc(after, func() { _ = command.Process.Kill() })
		last, all := "", ""
		for said.Scan() {
			last = said.Text()
			all += last + "\n"
		}
		err := command.Wait()
		kill.Stop()
		t.Logf("run %d, killed after %s: %v, at %q", i+1, after.Round(time.Millisecond), err, last)
		switch {
		case err == nil:
			c.mustReset(t, "cluster", "--yes")
		case exitCode(err) > 0: // it ended by itself before it was killed
			t.Errorf("run %d failed:\n%s", i+1, all)
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
	for _, host := range []string{hostName("cp-1"), hostName("worker-1")} {
		if left := c.on(t, host, "ls -A /var/lib/dualstrap/images /var/lib/dualstrap/restart 2>/dev/null | grep -v : || true"); left != "" {
			t.Errorf("%s: left behind: %s", host, left)
		}
	}
}
