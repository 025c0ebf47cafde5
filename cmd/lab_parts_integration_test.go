//go:build integration

package cmd_test

import (
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

// testHosts returns the names of the hosts of the default lab.
func testHosts() []string {
	return []string{testLabName() + "-cp-1", testLabName() + "-worker-1", testLabName() + "-worker-2", "client"}
}

func labIsNotThere(t *testing.T, l testLab) {
	t.Helper()
	if out := l.mustRun(t, "down"); !strings.Contains(out, named("there is nothing of a lab LAB")) {
		t.Errorf("down says %q", out)
	}
	if out := l.mustRun(t, "status"); !strings.Contains(out, named("there is no lab LAB; make it with: dualstrap lab up --name LAB")) {
		t.Errorf("status says %q", out)
	}
	if out := l.mustRun(t, "status", "-o", "json"); !strings.Contains(out, `"hosts": []`) {
		t.Errorf("status says %q", out)
	}
	_, said, err := l.run(t, "exec", "client", "--", "true")
	if err == nil || !strings.Contains(said, named(`the lab LAB has no host "client"`)) ||
		!strings.Contains(said, named("try: dualstrap lab up --name LAB")) {
		t.Errorf("exec says %q: %v", said, err)
	}
}

func labComesUp(t *testing.T, l testLab) {
	t.Helper()
	out := l.mustRun(t, "up")
	for _, want := range []string{
		named("created: LAB-cp-1, LAB-worker-1, LAB-worker-2, client\n"),
		"next: dualstrap create cluster -f " + l.file("cluster.yaml"),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("up does not say %q:\n%s", want, out)
		}
	}
	check, err := exec.CommandContext(t.Context(), l.program, "check", "config", "-f", l.file("cluster.yaml")).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(check), named("valid: cluster LAB")) {
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
	if got := l.on(t, hostName("worker-1"), facts); got != want {
		t.Errorf("it presents itself as:\n%s", got)
	}
	for name, host := range l.status(t) {
		if want := map[bool]lab.OS{true: lab.RHEL, false: lab.Debian}[name == hostName("worker-1")]; host.OS != want {
			t.Errorf("%s presents itself as %s, want %s", name, host.OS, want)
		}
	}
	const traces = "command -v getenforce || ls /etc/redhat-release 2>&1 | grep -v cannot || true"
	if got := l.on(t, hostName("worker-2"), traces); strings.Contains(got, "/") {
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

// expectUntouched checks that hosts were not rebooted.
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
	if err == nil || !strings.Contains(string(out), named("the lab LAB is there, and all labs have the same addresses")) {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), named("try: dualstrap lab down --name LAB")) {
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
