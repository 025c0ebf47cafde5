//go:build integration

package cmd_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/provision/workflow"
)

// previous sets up state on a host that its operator could have had there before: directories that a node uses, a program
// beside the node's own, and entries in the kernel.
const previous = `mkdir -p /etc/cni/net.d /opt/cni/bin /var/lib/containerd/lost+found
chmod 0700 /etc/cni/net.d
echo mine >/opt/cni/bin/mine
nft add table inet mine
ip route add blackhole 198.51.100.0/24
ip -6 neighbour add proxy fd12::3:77 dev eth0`

// habits sets up a host as people have them: a login shell that prints, a proxy for all logins that does not know the cluster,
// directories of nodes on file systems of their own, and podman.
const habits = `mkdir -p /var/lib/etcd/lost+found /var/lib/kubelet/lost+found /etc/cni/net.d
echo '{"cniVersion": "0.4.0", "name": "podman", "plugins": [{"type": "bridge"}]}' >/etc/cni/net.d/87-podman-bridge.conflist
echo 'echo hello from .bashrc' >>/root/.bashrc
printf 'https_proxy=http://198.51.100.9:3128\nHTTP_PROXY=http://198.51.100.9:3128\nno_proxy=localhost,*.example.com\n' >>/etc/environment`

// fingerprint prints everything that a node changes on a host and that reset has to restore: files, units, the nftables
// ruleset, links, addresses, routes, neighbour proxies, sysctls, mounts. It leaves out what changes on its own, what stays
// according to docs/reset.md, and sysctls that belong to the machine on which the containers run.
const fingerprint = `cd /
busy='-path var/lib/chrony -o -path var/lib/systemd -o -path var/lib/private -o -path var/lib/apt -o -path var/lib/dbus'
busy="$busy -o -path var/log/journal"
find etc var/lib var/log opt usr/local usr/libexec root -xdev \( $busy \) -prune -o ! -path 'var/log/*.log' ! -path var/log/?tmp \
	! -path var/log/lastlog -printf '%p %y %m %u:%g %l\n' | sort
find etc var/lib opt usr/local -xdev \( $busy \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
systemctl list-unit-files --no-pager --no-legend | grep -v ^session- | sort
systemctl list-units --all --no-pager --no-legend --plain | awk '$2 != "not-found" { print "unit", $1, $2, $3, $4 }' |
	grep -vE ' (session-|user-|user@|run-user-|network-online|ssh-host-keys|dev-|sys-|apt-|[^ ]*\.timer|systemd-tmpfiles-clean)' | sort
echo == nft
nft list tables | sort | while read -r _ family name; do nft list table "$family" "$name"; done
echo == links
ip -br link | awk '{ sub("@.*", "", $1); print $1, $3 }'
ip -o address | awk '{ print $2, $3, $4 }' | sort # a cable that is plugged in again changes their order
ip route show table all
ip -6 route show table all
ip neighbour show proxy
ip -6 neighbour show proxy
echo == sysctls
sysctl -a 2>/dev/null | grep '^net\.' | grep -vE '^net\.netfilter\.nf_conntrack_(count|max) ' | sort
echo == processes
ps -eo comm= | grep -vE '^(awk|grep|ps|sh|sort|sshd|systemd|timedatectl)$' |
	grep -vE '^(\(sd-pam\)|\(udev-worker\)|systemd-(timedat|hostnam|tmpfile|user-ru).*)$' | sort -u
echo == mounts
awk '$5 !~ "^/run/user" { print $5 }' /proc/self/mountinfo | sort
find /run -maxdepth 1 | grep -vE '/(xtables.lock|user|utmp|motd.*|credentials)$' | sort
find /run/netns 2>/dev/null || :`

// clusterIsBare takes the fingerprints of the hosts before anything is changed there.
func clusterIsBare(t *testing.T, c *testCluster) {
	t.Helper()
	c.on(t, hostName("worker-2"), previous)
	c.on(t, hostName("worker-2"), "ip -6 address add 2001:db8:1::6/64 dev eth0") // lower than the one that pods need
	c.bare = map[string]string{}
	for _, host := range []string{hostName("cp-1"), hostName("worker-1"), hostName("worker-2")} {
		c.on(t, host, habits)
		c.bare[host] = c.on(t, host, fingerprint)
	}
	again := c.on(t, hostName("cp-1"), fingerprint)
	if diff := cmp.Diff(lines(c.bare[hostName("cp-1")]), lines(again)); diff != "" {
		t.Errorf("a fingerprint changes on its own:\n%s", diff)
	}
}

func lines(text string) []string { return strings.Split(text, "\n") }

// expectBare compares the fingerprints of hosts with those from before.
func (c *testCluster) expectBare(t *testing.T, hosts ...string) {
	t.Helper()
	for _, host := range hosts {
		if diff := cmp.Diff(lines(c.bare[host]), lines(c.on(t, host, fingerprint))); diff != "" {
			t.Errorf("%s is not what it was (-before create +after reset):\n%s", host, diff)
			t.Log(c.on(t, host, "ps -eo pid,ppid,lstart,cgroup:60,args --forest"))
		}
	}
}

// wasReset holds the output of reset cluster -o json and reset nodes -o json.
type wasReset struct {
	OK          bool             `json:"ok"`
	Changes     int              `json:"changes"`
	Seconds     float64          `json:"seconds"`
	Run         *workflow.Report `json:"run"`
	Unreachable []struct {
		Address string `json:"address"`
	} `json:"unreachable"`
}

// reset runs reset with the given arguments, and returns its report, its standard error, and its exit code.
func (c *testCluster) reset(t *testing.T, args ...string) (wasReset, string, int) {
	t.Helper()
	var stdout, stderr strings.Builder
	args = append([]string{"reset"}, args...)
	args = append(args, "-f", c.manifest, "--workspace-dir", c.workspaces, "-o", "json")
	command := exec.CommandContext(t.Context(), c.program, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var result wasReset
	if decoding := json.Unmarshal([]byte(stdout.String()), &result); decoding != nil && err == nil {
		t.Fatalf("it prints no report: %v\n%s", decoding, stdout.String())
	}
	return result, stderr.String(), exitCode(err)
}

func (c *testCluster) mustReset(t *testing.T, args ...string) wasReset {
	t.Helper()
	result, said, code := c.reset(t, args...)
	if code != 0 || !result.OK {
		t.Fatalf("reset %v: exit code %d\n%s", args, code, said)
	}
	t.Logf("reset %v with %d changes in %.1f s", args, result.Changes, result.Seconds)
	return result
}

// resetIsRefused runs resets that are wrong, or would break the cluster. They must not change anything.
func resetIsRefused(t *testing.T, c *testCluster) {
	t.Helper()
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"cluster"}, 2, "say --yes, since there is no terminal to ask at"},
		{[]string{"nodes", "--addresses", "10.2.0.6"}, 2, "say --yes"},
		{[]string{"nodes", "--addresses", "10.2.0.66", "--yes"}, 2, "no node of the manifests has the address 10.2.0.66; they have 10.2.0.4, "},
		{[]string{"nodes", "--addresses", "10.2.0.4", "--yes", "--force"}, 4, "no control plane node would be left of the cluster"},
	} {
		if _, said, code := c.reset(t, test.args...); code != test.code || !strings.Contains(said, test.says) {
			t.Errorf("reset %v: exit code %d, want %d; it does not say %q:\n%s", test.args, code, test.code, test.says, said)
		}
	}
	mine := c.manifest
	c.rewrite(t, "controlPlaneVIP: 10.2.0.175", "controlPlaneVIP: 10.2.0.176")
	if _, said, code := c.reset(t, "cluster", "--yes"); code != 4 || !strings.Contains(said, "10.2.0.5 belongs to the cluster at ") {
		t.Errorf("hosts of another cluster: exit code %d, it says:\n%s", code, said)
	}
	c.manifest = mine
	if again := c.mustCreate(t, "--skip-verify"); again.Changes > 0 {
		t.Errorf("what was refused has changed %s", strings.Join(again.summary(), "\n"))
	}
}

// resetKeepsBudgets checks that a PodDisruptionBudget prevents a node from being drained, and so from being reset.
func resetKeepsBudgets(t *testing.T, c *testCluster) {
	t.Helper()
	c.apply(t, `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: all
spec:
  minAvailable: 3
  selector:
    matchLabels:
      app: try-dual-stack
`)
	c.kube(t, "rollout", "restart", "deployment/my-deployment") // pods everywhere
	c.kube(t, "rollout", "status", "deployment/my-deployment", "--timeout=180s")
	result, said, code := c.reset(t, "nodes", "--addresses", "10.2.0.6", "--yes", "--drain-timeout", "5s")
	if code != 1 || !strings.Contains(said, "the node is not drained after 5s: default/my-deployment-") ||
		!strings.Contains(said, "The disruption budget all needs 3 healthy pods") || !strings.Contains(said, "try: scale what") {
		t.Errorf("exit code %d, it says:\n%s", code, said)
	}
	for _, phase := range result.Run.Hosts[0].Phases {
		if phase.Name == "reset" && phase.Status != workflow.NotReached {
			t.Errorf("the host was reset all the same: %+v", phase)
		}
	}
	c.kube(t, "delete", "poddisruptionbudget", "all")
}

// resetTakesNodeOut removes a node from the cluster, and checks that it was drained and its host restored.
func resetTakesNodeOut(t *testing.T, c *testCluster) {
	t.Helper()
	if len(c.podsOn(t, hostName("worker-2"))) == 0 {
		t.Fatal(named("there is nothing to drain on LAB-worker-2"))
	}
	c.mustReset(t, "nodes", "--addresses", "10.2.0.6", "--yes")
	if got := sorted(c.fields(t, `{.items[*].metadata.name}`, "get", "nodes")); strings.Join(got, " ") != named("LAB-cp-1 LAB-worker-1") {
		t.Errorf("nodes: %v", got)
	}
	c.expectBare(t, hostName("worker-2"))
	c.kube(t, "rollout", "status", "deployment/my-deployment", "--timeout=180s")
	if again := c.mustReset(t, "nodes", "--addresses", "10.2.0.6", "--yes"); again.Changes > 0 {
		t.Errorf("the second reset changes %d things", again.Changes)
	}
	reports, err := filepath.Glob(c.file("log/reset-nodes-*/report.json"))
	if err != nil || len(reports) == 0 {
		t.Errorf("reports: %v, %v", reports, err)
	}
}

// resetNodeJoinsAgain runs create with the same manifests, which lets the node join again.
func resetNodeJoinsAgain(t *testing.T, c *testCluster) {
	t.Helper()
	c.mustCreate(t, "--skip-verify")
	clusterNodesAsPlanned(t, c)
	c.settles(t)
}

// resetLeavesNothing resets the whole cluster, at first while one of its hosts is off.
func resetLeavesNothing(t *testing.T, c *testCluster) {
	t.Helper()
	c.mustRun(t, "stop", hostName("worker-1"))
	result, said, code := c.reset(t, "cluster", "--yes")
	if code != 3 || len(result.Unreachable) != 1 || result.Unreachable[0].Address != "10.2.0.5" ||
		!strings.Contains(said, "dualstrap: 10.2.0.5 was not reset: ") {
		t.Errorf("exit code %d, unreachable %+v, it says:\n%s", code, result.Unreachable, said)
	}
	c.expectBare(t, hostName("cp-1"), hostName("worker-2"))
	if _, err := os.Stat(c.kubeconfig()); err != nil {
		t.Errorf("the kubeconfig went before the last host did: %v", err)
	}
	c.mustRun(t, "start", hostName("worker-1"))
	c.mustReset(t, "cluster", "--yes")
	c.expectBare(t, hostName("cp-1"), hostName("worker-1"), hostName("worker-2"))
	if again := c.mustReset(t, "cluster", "--yes"); again.Changes > 0 {
		t.Errorf("another reset changes %d things", again.Changes)
	}
	if _, err := os.Stat(c.kubeconfig()); !os.IsNotExist(err) {
		t.Errorf("the kubeconfig is still there: %v", err)
	}
	logs, err := filepath.Glob(c.file("log/reset-cluster-*/10.2.0.4.log"))
	if err != nil || len(logs) == 0 {
		t.Errorf("logs: %v, %v", logs, err)
	}
	const ask, mine = "cat /opt/cni/bin/mine; nft list tables | grep mine; ip route show 198.51.100.0/24",
		"mine\ntable inet mine\nblackhole 198.51.100.0/24"
	if left := c.on(t, hostName("worker-2"), ask); left != mine {
		t.Errorf("of what was there before there is %q", left)
	}
}
