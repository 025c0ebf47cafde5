//go:build integration

package check_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/localfile"
	"github.com/dualstrap/dualstrap/internal/netspace"
	"github.com/dualstrap/dualstrap/lab"
	"github.com/dualstrap/dualstrap/lab/network"
)

// TestMain runs the tests in a network namespace of their own. The image of the hosts is built before that, because it
// takes the machine's network.
func TestMain(m *testing.M) {
	hosts, err := lab.New(labName, "", func(step string) { log.Print(step) })
	if err == nil {
		_, err = hosts.Prepare(context.Background())
	}
	if err != nil {
		log.Fatal(err)
	}
	if err := netspace.Enter(); err != nil {
		log.Fatal(err)
	}
	m.Run()
}

// bound returns a context for operations that must not hang. Its timeout is far above their normal duration.
func bound(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// labHosts is a lab whose hosts, except for the client, are reached over SSH.
type labHosts struct {
	program, workspaces string
	pool                *remote.Pool
	cluster             check.Cluster
	nodes               []check.Node
}

const labName = "facts"

func newLabHosts(t *testing.T) *labHosts {
	t.Helper()
	l := &labHosts{program: filepath.Join(t.TempDir(), "dualstrap"), workspaces: t.TempDir()}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", l.program, "github.com/dualstrap/dualstrap/cmd/dualstrap")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build dualstrap: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		down := exec.Command(l.program, l.args("down")...)
		if out, err := down.CombinedOutput(); err != nil {
			t.Errorf("cannot remove the lab: %v\n%s", err, out)
		}
	})
	l.lab(t, "up")
	l.forwardEverywhere(t)
	l.putClock(t)
	var err error
	l.pool, err = remote.NewPool(remote.Settings{
		PrivateKeyPath: filepath.Join(l.workspaces, labName, "ssh", "id_ed25519"),
		KnownHostsPath: filepath.Join(l.workspaces, labName, "ssh", "known_hosts"),
		ConfigPath:     remote.None, AgentSocket: remote.None,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.pool.Close)
	l.cluster = check.Cluster{
		Endpoint: netip.MustParseAddrPort("10.2.0.175:443"), APIServerPort: 6443, Builtin: true,
		Pools: []netipx.IPRange{
			netipx.MustParseIPRange("10.2.0.212-10.2.0.221"), netipx.MustParseIPRange("fd12::4:101-fd12::4:110"),
		},
		PodRanges:     []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fd12::1:0/112")},
		AllowCgroupV1: true, // it depends on the machine that the lab is on
	}
	for i := range 3 {
		address := netip.AddrFrom4([4]byte{10, 2, 0, byte(4 + i)})
		l.nodes = append(l.nodes, check.Node{
			Address: address, K8sIP: address, SSHPort: 22,
			ControlPlane: i == 0, Balancer: i == 0, ServesLoadBalancers: i == 0,
		})
	}
	return l
}

func (l *labHosts) args(verb string, args ...string) []string {
	return append([]string{"lab", verb, "--name", labName, "--workspace-dir", l.workspaces}, args...)
}

func (l *labHosts) lab(t *testing.T, verb string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), l.program, l.args(verb, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("lab %s %q: %v\n%s", verb, args, err, out)
	}
}

// forwardEverywhere turns the lab's switch into a hub. A switch sends packets for a hardware address that two hosts
// share to only one of them, but preflight has to reach both.
func (l *labHosts) forwardEverywhere(t *testing.T) {
	t.Helper()
	hub := exec.CommandContext(t.Context(), "ip", "link", "set", network.Bridge, "type", "bridge", "ageing_time", "0")
	if out, err := hub.CombinedOutput(); err != nil {
		t.Fatalf("cannot make a hub of %s: %v\n%s", network.Bridge, err, out)
	}
}

// clockLibrary is the file name of a library that makes the programs that load it read another time.
const clockLibrary = "clock.so"

// putClock builds that library and puts it onto worker2, where nothing loads it yet.
func (l *labHosts) putClock(t *testing.T) {
	t.Helper()
	library := filepath.Join(t.TempDir(), clockLibrary)
	build := exec.CommandContext(t.Context(), "gcc", "-shared", "-fPIC", "-nostdlib", "-O1", "-o", library, "testdata/clock.c")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build a clock (apt-get install gcc): %v\n%s", err, out)
	}
	content, err := localfile.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	put := exec.CommandContext(t.Context(), l.program, l.args("exec", worker2, "--", "sh", "-c", "cat >/root/"+clockLibrary)...)
	put.Stdin = content
	if out, err := put.CombinedOutput(); err != nil {
		t.Fatalf("cannot put the clock onto %s: %v\n%s", worker2, err, out)
	}
}

// run runs scripts on hosts without using their network.
func (l *labHosts) run(t *testing.T, steps []step) {
	t.Helper()
	for _, step := range steps {
		hosts := []string{step.host}
		if step.host == everyNode {
			hosts = []string{cp1, worker1, worker2}
		}
		for _, host := range hosts {
			l.lab(t, "exec", host, "--", "sh", "-euc", step.script)
		}
	}
}

// preflight probes all hosts and the network between them, and evaluates the checks.
func (l *labHosts) preflight(t *testing.T) check.Report {
	t.Helper()
	hosts := make([]check.Host, len(l.nodes))
	readers := make([]remote.Host, len(l.nodes))
	for i, node := range l.nodes {
		hosts[i].Node = node
		if readers[i], hosts[i].Err = l.pool.Host(bound(t), node.Address); hosts[i].Err == nil {
			hosts[i].Facts, hosts[i].Err = facts.Probe(bound(t), readers[i])
		}
	}
	for i, task := range check.PlanNetworkProbes(&l.cluster, hosts) {
		if task.IsEmpty() {
			continue
		}
		network, err := facts.ProbeNetwork(bound(t), readers[i], task)
		if err != nil {
			t.Fatal(err)
		}
		hosts[i].Network = &network
	}
	return check.Evaluate(&l.cluster, hosts)
}

// unpassed returns the checks that did not pass, as HOST CHECK STATUS: MESSAGE.
func unpassed(report check.Report) []string {
	var lines []string
	for _, host := range report.Hosts {
		for _, result := range host.Checks {
			if result.Status != check.Passed {
				lines = append(lines, fmt.Sprintf("%s %s %s: %s", host.Address, result.Name, result.Status, result.Message))
			}
		}
	}
	return lines
}

// without removes findings that the machine of the lab causes: those that new hosts have already, and those about its
// size, which other processes on the machine can change at any moment by filling its disk.
func without(lines, blamed []string) []string {
	key := func(line string) string { return line[:strings.Index(line, ": ")] }
	return slices.DeleteFunc(lines, func(line string) bool {
		small := slices.ContainsFunc([]string{"cpu", "memory", "disk"}, func(name string) bool {
			return strings.HasSuffix(key(line), " "+name+" "+string(check.Warning))
		})
		return small || slices.ContainsFunc(blamed, func(other string) bool { return key(line) == key(other) })
	})
}

// TestIntegrationPreflight verifies that hosts of a lab pass, that a breakage is reported and nothing else is, and that
// they pass again after it is repaired.
func TestIntegrationPreflight(t *testing.T) {
	l := newLabHosts(t)
	l.run(t, fresh())
	report := l.preflight(t)
	healthy := unpassed(report)
	if !report.OK {
		t.Fatalf("new hosts fail:\n%s", strings.Join(healthy, "\n"))
	}
	for _, b := range breakages() {
		t.Run(b.name, func(t *testing.T) {
			defer l.run(t, b.mends)
			l.run(t, b.breaks)
			got := without(unpassed(l.preflight(t)), healthy)
			for i := range min(len(got), len(b.want)) {
				if strings.HasPrefix(got[i], b.want[i]) {
					got[i] = b.want[i]
				}
			}
			if diff := cmp.Diff(b.want, got); diff != "" {
				t.Errorf("findings (-want, by their beginnings, +got):\n%s", diff)
			}
		})
	}
	if report := l.preflight(t); !report.OK || len(without(unpassed(report), healthy)) > 0 {
		t.Errorf("mended hosts are not as they were:\n%s", strings.Join(unpassed(report), "\n"))
	}
}
