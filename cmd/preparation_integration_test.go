//go:build integration

package cmd_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/internal/soak"
)

// smallLab returns the hosts of a lab with one worker: a map from addresses to names.
func smallLab() map[string]string {
	return map[string]string{"10.2.0.4": hostName("cp-1"), "10.2.0.5": hostName("worker-1")}
}

// TestIntegrationPreparationIsInterrupted interrupts runs of create while they prepare hosts: the program is killed, a host
// is disconnected. No program may ever be incomplete on a host, and the next run continues the work.
func TestIntegrationPreparationIsInterrupted(t *testing.T) {
	c := newTestCluster(t, "--workers", "1")
	// The phases after the preparation wait for this lock, so that no run gets further.
	c.on(t, hostName("cp-1"), "systemd-run -q --unit=no-kubeadm flock /run/dualstrap-kubeadm.lock sleep infinity")
	for _, host := range smallLab() {
		c.on(t, host, watch)
	}
	runParts(t, c, []part[*testCluster]{
		{"killed again and again", preparationIsKilled},
		{"it converges", preparationConverges},
		{"a cable is pulled in the middle of an upload", uploadLosesHost},
		{"a cable is pulled in the middle of a change", changeLosesHost},
		{"it converges again", preparationConverges},
		{"nothing is left", preparationLeavesNothing},
	})
}

// begin starts a run of create, and returns its process and a scanner for the lines of its standard error.
func (c *testCluster) begin(t *testing.T) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	command := exec.CommandContext(t.Context(), c.program,
		"create", "cluster", "-f", c.manifest, "--bundle", c.bundle, "--workspace-dir", c.workspaces, "--skip-verify")
	command.Stdout = t.Output() // the report says why hosts fail
	said, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command, bufio.NewScanner(said)
}

// killedAfter starts a run and kills it some time after it has started to prepare hosts, or as soon as the next phase starts.
func (c *testCluster) killedAfter(t *testing.T, after time.Duration) {
	t.Helper()
	command, said := c.begin(t)
	kill := func() { _ = command.Process.Kill() } // it may have ended already
	var all strings.Builder
	var timer *time.Timer
	for said.Scan() {
		line := said.Text()
		all.WriteString(line + "\n")
		switch {
		case strings.HasSuffix(line, " prepare") && timer == nil:
			timer = time.AfterFunc(after, kill)
		case strings.HasSuffix(line, " init"):
			kill()
		}
	}
	if err := command.Wait(); exitCode(err) >= 0 || timer == nil {
		t.Errorf("it has ended before it was killed, with %v:\n%s", err, all.String())
	}
}

// damages returns scripts that damage a prepared host, as an operator or a broken disk could.
func damages() []string {
	return []string{
		"true",
		"rm -f /usr/local/bin/kubelet /usr/local/bin/kubeadm",
		"rm -f /opt/cni/bin/*",
		"rm -f /usr/local/bin/containerd; systemctl stop containerd 2>/dev/null || :",
		"rm -f /etc/containerd/config.toml /etc/sysctl.d/*dualstrap*; echo 0 >/proc/sys/net/ipv4/ip_forward",
		"systemctl disable -q --now containerd 2>/dev/null || :",
		"for image in $(ctr -n k8s.io images ls -q 2>/dev/null | head -n 3); do ctr -n k8s.io images rm $image; done",
	}
}

// preparationIsKilled kills runs at random moments. Between runs it damages hosts, so that each run has something to do.
func preparationIsKilled(t *testing.T, c *testCluster) {
	t.Helper()
	const longest = 3 * time.Second
	kills, seed := soak.Rounds(6, 60), soak.Seed(t, 20261128)
	random := rand.New(rand.NewPCG(seed, seed))
	hosts := slices.Sorted(maps.Values(smallLab()))
	for i := range kills {
		after := time.Duration(random.Int64N(int64(longest)))
		host, damage := hosts[random.IntN(len(hosts))], damages()[random.IntN(len(damages()))]
		t.Logf("run %d of seed %d is killed after %s, then on %s: %s", i+1, seed, after.Round(time.Millisecond), host, damage)
		c.killedAfter(t, after)
		c.hasWholePrograms(t)
		c.on(t, host, damage)
	}
}

// watch starts a script on a host that keeps recording the sizes of programs in /run/sizes, each size once.
const watch = `cat >/run/watch.sh <<'END'
while :; do
	stat -c '%s  %n' /usr/local/bin/* /opt/cni/bin/* 2>/dev/null
	sleep 0.05
done | mawk -W interactive '!seen[$0]++ { print; fflush() }' >/run/sizes
END
systemd-run -q --unit=watch sh /run/watch.sh`

// hasWholePrograms compares every program on the hosts with the bundle: it is complete or missing, and the record of watch
// shows that it always was. Only programs that are new since the last call are read.
func (c *testCluster) hasWholePrograms(t *testing.T) {
	t.Helper()
	bundleDir, err := bundle.Open(c.bundle)
	if err != nil {
		t.Fatal(err)
	}
	sums, sizes := map[string]string{}, map[string]string{}
	for _, file := range bundleDir.Manifest.Files {
		if file.Executable != nil {
			sums[file.Executable.Path] = file.Executable.SHA256
			sizes[file.Executable.Path] = strconv.FormatInt(file.Executable.Size, 10)
		}
	}
	for _, host := range smallLab() {
		for line := range strings.Lines(c.on(t, host, "cat /run/sizes")) {
			size, path, _ := strings.Cut(strings.TrimSpace(line), "  ")
			if sizes[path] != "" && size != sizes[path] {
				t.Errorf("%s: %s had %s of %s bytes", host, path, size, sizes[path])
			}
		}
		out := c.on(t, host, `cd /run; touch looking; [ -e looked ] || touch -d @0 looked
			find /usr/local/bin /opt/cni/bin ! -name '.*' -type f -newercm looked -exec sha256sum {} + 2>/dev/null || :
			mv looking looked`)
		for line := range strings.Lines(out) {
			sum, path, _ := strings.Cut(strings.TrimSpace(line), "  ")
			if sums[path] != "" && sum != sums[path] {
				t.Errorf("%s: %s is there in part", host, path)
			}
		}
	}
}

// prepare runs create until all hosts are prepared, kills it, and returns the status of the phase by host.
func (c *testCluster) prepare(t *testing.T) map[string]string {
	t.Helper()
	command, said := c.begin(t)
	statuses := map[string]string{}
	var all strings.Builder
	for said.Scan() {
		all.WriteString(said.Text() + "\n")
		if host, status, found := strings.Cut(said.Text(), " prepare: "); found {
			_, host, _ = strings.Cut(host, " ") // after the time
			statuses[host], _, _ = strings.Cut(status, " ")
		}
		if len(statuses) == len(smallLab()) {
			_ = command.Process.Kill() // later phases do not matter here
		}
	}
	if err := command.Wait(); exitCode(err) >= 0 {
		t.Fatalf("it has ended before it was killed, with %v:\n%s", err, all.String())
	}
	return statuses
}

func preparationConverges(t *testing.T, c *testCluster) {
	t.Helper()
	for host, status := range c.prepare(t) {
		if status != "changed" && status != "unchanged" {
			t.Errorf("%s: %s", host, status)
		}
	}
	for host, status := range c.prepare(t) {
		if status != "unchanged" {
			t.Errorf("%s: in the second run it is %s", host, status)
		}
	}
	out, err := exec.CommandContext(t.Context(), c.program,
		"check", "preflight", "-f", c.manifest, "--bundle", c.bundle, "-o", "json").Output()
	var report check.Report
	if decoding := json.Unmarshal(out, &report); decoding != nil || err != nil {
		t.Fatalf("check preflight: %v, %v\n%s", err, decoding, out)
	}
	for _, host := range report.Hosts {
		if len(host.Changes) > 0 {
			t.Errorf("%s: still to be done: %s", host.Address, strings.Join(host.Changes, "; "))
		}
	}
	c.hasWholePrograms(t)
	for _, host := range smallLab() {
		c.on(t, host, "grep -q '  /usr/local/bin/kubelet$' /run/sizes") // watch is still running
	}
}

const (
	// bare removes from a host what takes longest to transfer.
	bare = "systemctl stop containerd; rm -rf /usr/local/bin/* /opt/cni/bin/* /var/lib/containerd/*"
	// held makes the start of containerd wait until the file /run/may-end exists; unheld creates it.
	held = `mkdir -p /run/systemd/system/containerd.service.d
printf '[Service]\nExecStartPre=/bin/sh -c ": >/run/begun; until [ -e /run/may-end ]; do sleep 0.1; done"\n' \
	>/run/systemd/system/containerd.service.d/held.conf
systemctl daemon-reload; systemctl stop containerd`
	unheld = "rm -r /run/systemd/system/containerd.service.d; systemctl daemon-reload; : >/run/may-end"
)

func uploadLosesHost(t *testing.T, c *testCluster) {
	t.Helper()
	c.on(t, hostName("cp-1"), bare)
	c.losesHost(t, "ls /usr/local/bin/.*.dualstrap-*.part")
	c.hasWholePrograms(t)
	c.mustRun(t, "connect", hostName("cp-1"))
	c.lockIsFree(t)
	preparationConverges(t, c)
}

func changeLosesHost(t *testing.T, c *testCluster) {
	t.Helper()
	c.on(t, hostName("cp-1"), held)
	c.losesHost(t, "ls /run/begun")
	c.mustRun(t, "connect", hostName("cp-1"))
	c.lockIsFree(t)
	// The script of the interrupted run still works on the host. The next run waits for it.
	command, said := c.begin(t)
	c.on(t, hostName("cp-1"), "timeout 60 sh -c 'until pgrep -f \"^flock --timeout 300\"; do sleep 0.1; done'; "+unheld)
	ended := ""
	for said.Scan() {
		if _, status, found := strings.Cut(said.Text(), " 10.2.0.4 prepare: "); found {
			ended = status
			_ = command.Process.Kill() // later phases do not matter here
		}
	}
	// What the script has changed stays changed, so the next run reports "changed". Images that were being transferred at the
	// same time are removed again.
	if err := command.Wait(); exitCode(err) >= 0 || !strings.HasPrefix(ended, "changed ") {
		t.Errorf("it has ended with %v; the preparation is %q", err, ended)
	}
}

// losesHost disconnects the control plane's host as soon as a condition is true there. The run has to report the phase it was
// in, and to exit with the code of an unreachable host.
func (c *testCluster) losesHost(t *testing.T, when string) {
	t.Helper()
	command, said := c.begin(t)
	cut := make(chan struct{})
	go func() {
		defer close(cut)
		if _, all, err := c.run(t, "exec", hostName("cp-1"), "--", "timeout", "120", "sh", "-c",
			"until "+when+"; do sleep 0.02; done >/dev/null 2>&1"); err != nil {
			t.Errorf("%s: %v\n%s", when, err, all)
		}
		if _, all, err := c.run(t, "disconnect", hostName("cp-1")); err != nil {
			t.Errorf("cut: %v\n%s", err, all)
		}
	}()
	var all strings.Builder
	for said.Scan() {
		fmt.Fprintln(&all, said.Text())
	}
	err := command.Wait()
	<-cut
	if got := exitCode(err); got != 3 || !strings.Contains(all.String(), "dualstrap: 10.2.0.4: prepare: ") {
		t.Errorf("exit code %d, it says:\n%s", got, all.String())
	}
}

// lockIsFree waits until a host has released the lock of a run that it has lost the connection to.
func (c *testCluster) lockIsFree(t *testing.T) {
	t.Helper()
	c.on(t, hostName("cp-1"), "timeout 60 sh -c 'while [ -e /run/dualstrap.lock ]; do sleep 0.1; done'")
}

func preparationLeavesNothing(t *testing.T, c *testCluster) {
	t.Helper()
	for _, host := range smallLab() {
		left := c.on(t, host, `find / /var/lib -xdev \( -name '*.dualstrap-*' -o -path '/var/lib/dualstrap/*.new' -o \
			-path '/var/lib/dualstrap/images/*' -o -path '/var/lib/dualstrap/restart/*' -o -path '/tmp/tmp.*' \) -print`)
		if left != "" {
			t.Errorf("%s: left behind: %s", host, left)
		}
	}
}
