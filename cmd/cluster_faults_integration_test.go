//go:build integration

package cmd_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/internal/soak"
)

// TestIntegrationCreateIsInterrupted interrupts runs of create: a host reboots, the API server is killed, the program is
// killed. The next run always finishes the work.
func TestIntegrationCreateIsInterrupted(t *testing.T) {
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

// interrupt runs create, and calls do as soon as a phase starts on a host. It returns the exit code of the run, which is
// negative if it was killed, and its output.
func (c *testCluster) interrupt(t *testing.T, at string, do func(create *os.Process)) (int, string) {
	t.Helper()
	command, said := c.begin(t)
	var all strings.Builder
	for said.Scan() {
		all.WriteString(said.Text() + "\n")
		if strings.HasSuffix(said.Text(), " "+at) { // after the time
			do(command.Process)
			do = func(*os.Process) {}
		}
	}
	return exitCode(command.Wait()), all.String()
}

// createMeetsReboot reboots a worker while it joins.
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

// createLosesNetwork disconnects a worker for a minute as soon as it joins. The run either uses the connection meanwhile, and
// reports that it is lost, or waits for the node, and continues when the worker is connected again.
func createLosesNetwork(t *testing.T, c *testCluster) {
	t.Helper()
	reconnected := make(chan error, 1)
	code, said := c.interrupt(t, "10.2.0.5 join", func(*os.Process) {
		c.mustRun(t, "disconnect", hostName("worker-1"))
		time.AfterFunc(time.Minute, func() {
			_, _, err := c.run(t, "connect", hostName("worker-1"))
			reconnected <- err
		})
	})
	if err := <-reconnected; err != nil {
		t.Fatal(err)
	}
	t.Logf("exit code %d", code)
	// Where the host was only being read, dualstrap connects once more, and says that this failed.
	isTold := strings.Contains(said, "dualstrap: 10.2.0.5: join: ") &&
		(strings.Contains(said, "connection lost") || strings.Contains(said, "cannot connect to root@10.2.0.5:22: no answer"))
	if code != 0 && (code != 3 || !isTold) {
		t.Errorf("it says:\n%s", said)
	}
}

// createLosesAPI kills the API server while a worker joins. The kubelet restarts it, and everything else waits for it.
func createLosesAPI(t *testing.T, c *testCluster) {
	t.Helper()
	code, said := c.interrupt(t, "10.2.0.5 join", func(*os.Process) {
		c.on(t, hostName("cp-1"), "pkill -KILL -x kube-apiserver")
	})
	if code != 0 {
		t.Errorf("exit code %d, it says:\n%s", code, said)
	}
}

// leaveKubeadm runs create, stops kubeadm on a host in a phase, as soon as a condition is true there, and kills the run. A
// stopped kubeadm never finishes, like one that waits with an expired token. What stops it waits on the host from the
// beginning: on a busy machine, it would otherwise come too late.
func (c *testCluster) leaveKubeadm(t *testing.T, host, phase, condition string) {
	t.Helper()
	command, said := c.begin(t)
	stopped := make(chan error, 1)
	go func() {
		const limit = "300" // seconds; a preparation on a busy machine takes two minutes
		stop := "timeout " + limit + " sh -c 'until " + condition + " && pkill -STOP -x kubeadm; do sleep 0.2; done'"
		_, _, err := c.run(t, "exec", host, "--", "sh", "-ec", stop)
		_ = command.Process.Kill() // it may have ended
		stopped <- err
	}()
	var all strings.Builder
	for said.Scan() {
		all.WriteString(said.Text() + "\n")
	}
	code := exitCode(command.Wait())
	if err := <-stopped; err != nil || code >= 0 || !strings.Contains(all.String(), " "+c.address(t, host)+" "+phase+"\n") {
		t.Fatalf("kubeadm was not stopped in %s: %v, exit code %d:\n%s", phase, err, code, all.String())
	}
}

// createLeavesKubeadm leaves a stopped kubeadm on a worker. The next run has to kill it and let the node join.
func createLeavesKubeadm(t *testing.T, c *testCluster) {
	t.Helper()
	c.mustReset(t, "nodes", "--addresses", "10.2.0.5", "--yes")
	c.leaveKubeadm(t, hostName("worker-1"), "join", "true")
	c.mustCreate(t, "--skip-verify")
	if left := c.on(t, hostName("worker-1"), "pgrep -x kubeadm || true"); left != "" {
		t.Errorf("it still runs: process %s", left)
	}
}

// createIsKilled kills runs at random moments. Each run finds what the one before it has done, so that in the end every
// phase is interrupted. When a run has finished, the cluster is reset and the next run starts over.
func createIsKilled(t *testing.T, c *testCluster) {
	t.Helper()
	const longest = 15 * time.Second
	kills, seed := soak.Rounds(8, 60), soak.Seed(t, 20261125)
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
		case exitCode(err) > 0: // it failed before it was killed
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
