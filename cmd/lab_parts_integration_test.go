//go:build integration

package cmd_test

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/lab"
)

// The hosts of the default lab.
func testHosts() []string {
	return []string{testLabName + "-cp-1", testLabName + "-worker-1", testLabName + "-worker-2", "client"}
}

func labIsNotThere(t *testing.T, l testLab) {
	t.Helper()
	if out := l.mustRun(t, "down"); !strings.Contains(out, "there is nothing of a lab labtest") {
		t.Errorf("down says %q", out)
	}
	if out := l.mustRun(t, "status"); !strings.Contains(out, "there is no lab labtest; make it with: dualstrap lab up --name labtest") {
		t.Errorf("status says %q", out)
	}
	if out := l.mustRun(t, "status", "-o", "json"); !strings.Contains(out, `"hosts": []`) {
		t.Errorf("status says %q", out)
	}
	_, said, err := l.run(t, "exec", "client", "--", "true")
	if err == nil || !strings.Contains(said, `the lab labtest has no host "client"`) ||
		!strings.Contains(said, "try: dualstrap lab up --name labtest") {
		t.Errorf("exec says %q: %v", said, err)
	}
}

func labComesUp(t *testing.T, l testLab) {
	t.Helper()
	out := l.mustRun(t, "up")
	for _, want := range []string{
		"created: labtest-cp-1, labtest-worker-1, labtest-worker-2, client\n",
		"next: dualstrap create cluster -f " + l.file("cluster.yaml"),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("up does not say %q:\n%s", want, out)
		}
	}
	check, err := exec.CommandContext(t.Context(), l.program, "check", "config", "-f", l.file("cluster.yaml")).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(check), "valid: cluster labtest") {
		t.Errorf("check config: %v\n%s", err, check)
	}
	table := l.mustRun(t, "status")
	for _, host := range l.status(t) {
		if host.State != "running" || host.Cable != "connected" || host.StartedAt == nil {
			t.Errorf("%+v", host)
		}
		if !strings.Contains(table, host.Name) || !strings.Contains(table, host.IPv6) {
			t.Errorf("%s is not in:\n%s", host.Name, table)
		}
	}
	if hosts := slices.Sorted(maps.Keys(l.status(t))); !slices.Equal(hosts, slices.Sorted(slices.Values(testHosts()))) {
		t.Errorf("hosts: %v", hosts)
	}
}

func labHostsAreBare(t *testing.T, l testLab) {
	t.Helper()
	for _, host := range testHosts() {
		for script, want := range map[string]string{
			"systemctl is-system-running":                                          "running",
			"systemctl list-units --failed --no-legend":                            "",
			"firewall-cmd --state 2>&1":                                            "running",
			"sed -n 's/^IPv6_rpfilter=//p' /etc/firewalld/firewalld.conf":          "yes",
			"nft list ruleset | grep -c 'fib saddr . mark . iif oif missing drop'": "1",
			"cat /proc/1/comm":                                                     "systemd",
			"stat -f -c %T /var/lib":                                               "ext2/ext3",
			"cat /proc/sys/net/ipv4/ip_forward":                                    "0",
			"cat /proc/sys/net/ipv6/conf/all/forwarding":                           "0",
			"for p in kubelet kubeadm kubectl containerd runc crictl podman docker; do command -v $p || true; done": "",
			"test -c /dev/kmsg && test -c /dev/fuse && test -w /sys && echo yes":                                    "yes",
			"systemctl is-active chrony systemd-networkd ssh | uniq":                                                "active",
			"getent hosts $(hostname) | wc -l":                                                                      "1",
			"ip -6 addr show dev eth0 tentative":                                                                    "",
		} {
			if got := l.on(t, host, script); got != want && !strings.Contains(script, "stat -f") {
				t.Errorf("%s: %s: %q, want %q", host, script, got, want)
			} else if strings.Contains(got, "overlay") {
				t.Errorf("%s: /var/lib is on %s, which no overlay can be stacked on", host, got)
			}
		}
	}
	for name, host := range l.status(t) {
		l.on(t, "client", fmt.Sprintf("ping -n -c 1 -W 5 %s && ping -n -c 1 -W 5 %s", host.IPv4, host.IPv6))
		if got := l.on(t, name, "ip route show default; ip -6 route show default"); strings.Count(got, "via") != 2 {
			t.Errorf("%s: default routes: %q", name, got)
		}
	}
}

func labHostsDiffer(t *testing.T, l testLab) {
	t.Helper()
	seen := map[string]string{}
	for name, host := range l.status(t) {
		for what, script := range map[string]string{
			"MAC": "cat /sys/class/net/eth0/address", "machine-id": "cat /etc/machine-id", "host name": "hostname",
			"host key": "cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub",
		} {
			value := l.on(t, name, script)
			if other, known := seen[value]; known || value == "" {
				t.Errorf("%s and %s share the %s %q", name, other, what, value)
			}
			seen[value] = name
			if what == "MAC" && value != host.MAC || what == "host name" && value != name {
				t.Errorf("%s has the %s %s", name, what, value)
			}
		}
	}
}

func labAcceptsSSH(t *testing.T, l testLab) {
	t.Helper()
	for name, host := range l.status(t) {
		for _, address := range []string{host.IPv4, host.IPv6} {
			login := exec.CommandContext(t.Context(), "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
				"-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile="+l.file("ssh/known_hosts"), "-i", l.file("ssh/id_ed25519"),
				"root@"+address, "hostname")
			if out, err := login.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != name {
				t.Errorf("%s at %s: %v\n%s", name, address, err, out)
			}
		}
	}
	for path, mode := range map[string]os.FileMode{"ssh/id_ed25519": 0o600, "ssh": 0o700} {
		if info, err := os.Stat(l.file(path)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v: %v", path, info.Mode(), err)
		}
	}
}

func labPresents(t *testing.T, l testLab) {
	t.Helper()
	const facts = `. /etc/os-release; echo "$ID $VERSION_ID"; cat /etc/redhat-release; getenforce; sestatus | head -1
		. /etc/selinux/config; echo "$SELINUX"; selinuxenabled; firewall-cmd --state`
	want := "rhel 9.6\nRed Hat Enterprise Linux release 9.6 (Plow)\nEnforcing\nSELinux status:                 enabled\nenforcing\nrunning"
	if got := l.on(t, "labtest-worker-1", facts); got != want {
		t.Errorf("it presents itself as:\n%s", got)
	}
	for name, host := range l.status(t) {
		if want := map[bool]lab.OS{true: lab.RHEL, false: lab.Debian}[name == "labtest-worker-1"]; host.OS != want {
			t.Errorf("%s presents itself as %s, want %s", name, host.OS, want)
		}
	}
	const traces = "command -v getenforce || ls /etc/redhat-release 2>&1 | grep -v cannot || true"
	if got := l.on(t, "labtest-worker-2", traces); strings.Contains(got, "/") {
		t.Errorf("a host that is not like RHEL has %s", got)
	}
}

func labExecutes(t *testing.T, l testLab) {
	t.Helper()
	command := exec.CommandContext(t.Context(), l.program, l.args("exec", "client", "--", "sh", "-c", "cat; echo problem >&2; exit 7")...)
	command.Stdin = strings.NewReader("from outside")
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 || string(out) != "from outside" || stderr.String() != "problem\n" {
		t.Errorf("%v, out %q, err %q", err, out, stderr.String())
	}
	words := strings.Join(append([]string{l.program}, l.args("exec", "client", "--", "tty")...), " ")
	terminal, err := exec.CommandContext(t.Context(), "script", "--quiet", "--return", "--command", words, "/dev/null").CombinedOutput()
	if err != nil || !strings.Contains(string(terminal), "/dev/") {
		t.Errorf("on a terminal: %v, %q", err, terminal)
	}
	if piped, _, err := l.run(t, "exec", "client", "--", "tty"); err == nil || !strings.Contains(piped, "not a tty") {
		t.Errorf("without a terminal: %v, %q", err, piped)
	}
}

func labConverges(t *testing.T, l testLab) {
	t.Helper()
	before := l.status(t)
	if out := l.mustRun(t, "up"); !strings.HasPrefix(out, "nothing changed\n") {
		t.Errorf("up again says:\n%s", out)
	}
	expectUntouched(t, before, l.status(t))
}

// expectUntouched makes sure that hosts were not booted again.
func expectUntouched(t *testing.T, before, after map[string]lab.HostStatus) {
	t.Helper()
	for name, host := range before {
		now, there := after[name]
		if !there || now.StartedAt == nil || !now.StartedAt.Equal(*host.StartedAt) {
			t.Errorf("%s was touched: %+v, then %+v", name, host, now)
		}
	}
}

func labRefusesAnother(t *testing.T, l testLab) {
	t.Helper()
	another := exec.CommandContext(t.Context(), l.program, "lab", "up", "--name", "another", "--workspace-dir", l.workspaces)
	out, err := another.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the lab labtest is there, and all labs have the same addresses") {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "try: dualstrap lab down --name labtest") {
		t.Errorf("no hint:\n%s", out)
	}
	down := exec.CommandContext(t.Context(), l.program, "lab", "down", "--name", "another", "--workspace-dir", l.workspaces)
	if out, err := down.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if got := l.on(t, "client", "hostname"); got != "client" {
		t.Errorf("the other lab took the client with it: %q", got)
	}
}

const identity = "cat /etc/machine-id; hostname; cat /sys/class/net/eth0/address; " +
	"ip -o addr show dev eth0 scope global | awk '{print $4}'; cat /root/kept"

func labReboots(t *testing.T, l testLab) {
	t.Helper()
	const host = "labtest-worker-1"
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
	if status := l.status(t)[host]; status.State != "stopped" || status.Cable != "unplugged" || status.StartedAt != nil {
		t.Errorf("%+v", status)
	}
	_, said, err := l.run(t, "exec", host, "--", "true")
	if err == nil || !strings.Contains(said, "try: dualstrap lab start --name labtest labtest-worker-1") {
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

func labCutsAndHeals(t *testing.T, l testLab) {
	t.Helper()
	const host = "labtest-worker-2"
	before := l.on(t, host, identity+" 2>&1 || true")
	l.mustRun(t, "cut", host)
	if out := l.mustRun(t, "cut", host); !strings.Contains(out, "already") {
		t.Errorf("cut again says %q", out)
	}
	if status := l.status(t)[host]; status.Cable != "cut" || status.State != "running" {
		t.Errorf("%+v", status)
	}
	if carrier := l.on(t, host, "cat /sys/class/net/eth0/carrier"); carrier != "0" {
		t.Errorf("carrier %q", carrier)
	}
	unreachable := "! ping -n -c 1 -W 1 10.2.0.6 >/dev/null"
	l.on(t, "client", unreachable)
	l.mustRun(t, "reboot", host)
	if status := l.status(t)[host]; status.Cable != "cut" {
		t.Errorf("after a reboot: %+v", status)
	}
	l.on(t, "client", unreachable)
	l.mustRun(t, "heal", host)
	if after := l.on(t, host, identity+" 2>&1 || true"); after != before {
		t.Errorf("after healing:\n%s\nbefore:\n%s", after, before)
	}
	l.on(t, "client", "ping -n -c 1 -W 5 10.2.0.6 && ping -n -c 1 -W 5 fd12::2:6")
	l.mustRun(t, "cut", host)
	if out := l.mustRun(t, "up"); !strings.HasPrefix(out, "healed: "+host+"\n") {
		t.Errorf("up with a cut cable says:\n%s", out)
	}
}

func labGrowsAndShrinks(t *testing.T, l testLab) {
	t.Helper()
	before := l.status(t)
	out := l.mustRun(t, "up", "--workers", "3", "--load-balancers", "1", "--rhel-like", "2")
	if !strings.HasPrefix(out, "created: labtest-lb-1, labtest-worker-3\npresents itself anew: labtest-worker-2\n") {
		t.Errorf("growing says:\n%s", out)
	}
	grown := l.status(t)
	expectUntouched(t, before, grown)
	if len(grown) != 6 || grown["labtest-worker-3"].IPv4 != "10.2.0.7" || grown["labtest-lb-1"].IPv4 != "10.2.0.111" {
		t.Errorf("%+v", grown)
	}
	labAcceptsSSH(t, l)
	manifest, err := os.ReadFile(l.file("cluster.yaml"))
	if err != nil || !strings.Contains(string(manifest), "10.2.0.111") {
		t.Errorf("%v\n%s", err, manifest)
	}
	out = l.mustRun(t, "up")
	if !strings.HasPrefix(out, "removed: labtest-lb-1, labtest-worker-3\npresents itself anew: labtest-worker-2\n") {
		t.Errorf("shrinking says:\n%s", out)
	}
	after := l.status(t)
	expectUntouched(t, before, after)
	if len(after) != 4 || after["labtest-worker-2"].OS != lab.Debian {
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
	want := "accepts the lab's key: labtest-cp-1, labtest-worker-1, labtest-worker-2, client\n"
	if out := l.mustRun(t, "up"); !strings.HasPrefix(out, want) {
		t.Errorf("up without a workspace says:\n%s", out)
	}
	labAcceptsSSH(t, l)
}

// killAt runs a command and kills it as soon as it says something.
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
