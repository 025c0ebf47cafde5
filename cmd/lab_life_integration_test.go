//go:build integration

package cmd_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/lab"
)

const identity = "cat /etc/machine-id; hostname; cat /sys/class/net/eth0/address; " +
	"ip -o addr show dev eth0 scope global | awk '{print $4}'; cat /root/kept"

func labReboots(t *testing.T, l testLab) {
	t.Helper()
	host := hostName("worker-1")
	l.on(t, host, "echo kept > /root/kept; echo kept > /var/lib/kept")
	before := l.on(t, host, identity)
	expect := func(verb, want string) {
		t.Helper()
		if out := l.mustRun(t, verb, host); strings.TrimSpace(out) != host+" "+want {
			t.Errorf("%s says %q", verb, out)
		}
	}
	expect("stop", "is shut down")
	expect("stop", "does not run")
	if status := l.status(t)[host]; status.State != "stopped" || status.Cable != "detached" || status.StartedAt != nil {
		t.Errorf("%+v", status)
	}
	_, said, err := l.run(t, "exec", host, "--", "true")
	if err == nil || !strings.Contains(said, named("try: dualstrap lab start --name LAB LAB-worker-1")) {
		t.Errorf("%v: %q", err, said)
	}
	expect("start", "is up")
	expect("start", "runs already")
	if after := l.on(t, host, identity); after != before {
		t.Errorf("after a start:\n%s\nbefore:\n%s", after, before)
	}
	started := *l.status(t)[host].StartedAt
	expect("reboot", "has rebooted")
	if after := l.on(t, host, identity+" /var/lib/kept"); after != before+"\nkept" {
		t.Errorf("after a reboot:\n%s\nbefore:\n%s", after, before)
	}
	if !l.status(t)[host].StartedAt.After(started) {
		t.Error("it has not booted")
	}
	labAcceptsSSH(t, l)
	l.mustRun(t, "stop", host)
	if out := l.mustRun(t, "up"); !strings.HasPrefix(out, "started: "+host+"\n") {
		t.Errorf("up with a stopped host says:\n%s", out)
	}
}

// labDisconnects disconnects and reconnects a host.
func labDisconnects(t *testing.T, l testLab) {
	t.Helper()
	host := hostName("worker-2")
	before := l.on(t, host, identity+" 2>&1 || true")
	l.mustRun(t, "disconnect", host)
	if out := l.mustRun(t, "disconnect", host); !strings.Contains(out, "already") {
		t.Errorf("cut again says %q", out)
	}
	if status := l.status(t)[host]; status.Cable != "disconnected" || status.State != "running" {
		t.Errorf("%+v", status)
	}
	if carrier := l.on(t, host, "cat /sys/class/net/eth0/carrier"); carrier != "0" {
		t.Errorf("carrier %q", carrier)
	}
	unreachable := "! ping -n -c 1 -W 1 10.2.0.6 >/dev/null"
	l.on(t, "client", unreachable)
	l.mustRun(t, "reboot", host)
	if status := l.status(t)[host]; status.Cable != "disconnected" {
		t.Errorf("after a reboot: %+v", status)
	}
	l.on(t, "client", unreachable)
	l.mustRun(t, "connect", host)
	if after := l.on(t, host, identity+" 2>&1 || true"); after != before {
		t.Errorf("after healing:\n%s\nbefore:\n%s", after, before)
	}
	l.on(t, "client", "ping -n -c 1 -W 5 10.2.0.6 && ping -n -c 1 -W 5 fd12::2:6")
	l.mustRun(t, "disconnect", host)
	if out := l.mustRun(t, "up"); !strings.HasPrefix(out, "connected: "+host+"\n") {
		t.Errorf("up with a cut cable says:\n%s", out)
	}
}

func labGrowsAndShrinks(t *testing.T, l testLab) {
	t.Helper()
	before := l.status(t)
	out := l.mustRun(t, "up", "--workers", "3", "--load-balancers", "1", "--rhel-like", "2")
	if !strings.HasPrefix(out, named("created: LAB-lb-1, LAB-worker-3\nOS identity set: LAB-worker-2\n")) {
		t.Errorf("growing says:\n%s", out)
	}
	grown := l.status(t)
	expectUntouched(t, before, grown)
	if len(grown) != 6 || grown[hostName("worker-3")].IPv4 != "10.2.0.7" || grown[hostName("lb-1")].IPv4 != "10.2.0.111" {
		t.Errorf("%+v", grown)
	}
	labAcceptsSSH(t, l)
	manifest, err := os.ReadFile(l.file("cluster.yaml"))
	if err != nil || !strings.Contains(string(manifest), "10.2.0.111") {
		t.Errorf("%v\n%s", err, manifest)
	}
	out = l.mustRun(t, "up")
	if !strings.HasPrefix(out, named("removed: LAB-lb-1, LAB-worker-3\nOS identity set: LAB-worker-2\n")) {
		t.Errorf("shrinking says:\n%s", out)
	}
	after := l.status(t)
	expectUntouched(t, before, after)
	if len(after) != 4 || after[hostName("worker-2")].OS != lab.Debian {
		t.Errorf("%+v", after)
	}
}

func labKeepsEdits(t *testing.T, l testLab) {
	t.Helper()
	manifest, err := os.ReadFile(l.file("cluster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.ReplaceAll(string(manifest), "10.2.0.175", "10.2.0.176")
	if err := os.WriteFile(l.file("cluster.yaml"), []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := l.mustRun(t, "up", "--workers", "1"); !strings.Contains(out, "has been edited and stays as it is") {
		t.Errorf("up says:\n%s", out)
	}
	if now, err := os.ReadFile(l.file("cluster.yaml")); err != nil || string(now) != edited {
		t.Errorf("%v\n%s", err, now)
	}
	if err := os.Remove(l.file("cluster.yaml")); err != nil {
		t.Fatal(err)
	}
	l.mustRun(t, "up")
	if now, err := os.ReadFile(l.file("cluster.yaml")); err != nil || string(now) != string(manifest) {
		t.Errorf("%v\n%s", err, now)
	}
}

func labRestoresWorkspace(t *testing.T, l testLab) {
	t.Helper()
	if err := os.RemoveAll(l.workspaces); err != nil {
		t.Fatal(err)
	}
	want := named("accepts the lab's key: LAB-cp-1, LAB-worker-1, LAB-worker-2, client\n")
	if out := l.mustRun(t, "up"); !strings.HasPrefix(out, want) {
		t.Errorf("up without a workspace says:\n%s", out)
	}
	labAcceptsSSH(t, l)
}

// killAt runs a lab command, and kills it as soon as its output contains moment.
func killAt(t *testing.T, l testLab, moment, verb string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), l.program, l.args(verb, args...)...)
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(stderr)
	found := false
	for !found && said.Scan() {
		found = strings.Contains(said.Text(), moment)
	}
	if err := command.Process.Kill(); err != nil || !found {
		t.Fatalf("lab %s did not say %q: %v", verb, moment, err)
	}
	if err := command.Wait(); err == nil {
		t.Fatalf("lab %s was done before it could be killed", verb)
	}
}

func labSurvivesKilledUp(t *testing.T, l testLab) {
	t.Helper()
	for _, moment := range []string{": creating", "worker-1: creating", ": booting", "client: booting", ": ready"} {
		l.mustRun(t, "down")
		killAt(t, l, moment, "up")
		l.mustRun(t, "up")
		if len(l.status(t)) != 4 {
			t.Errorf("killed at %q, then up: %+v", moment, l.status(t))
		}
	}
	labAcceptsSSH(t, l)
	for _, moment := range []string{": creating", ": booting"} {
		l.mustRun(t, "down")
		killAt(t, l, moment, "up")
		l.mustRun(t, "down")
		labLeftNothing(t, l)
	}
}

func labSurvivesKilledDown(t *testing.T, l testLab) {
	t.Helper()
	for _, moment := range []string{"cp-1: removing", "client: removing"} {
		l.mustRun(t, "up", "--workers", "1")
		killAt(t, l, moment, "down")
		l.mustRun(t, "down")
		labLeftNothing(t, l)
	}
}
