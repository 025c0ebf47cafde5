//go:build integration

package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// cost holds the resources that one run of a program used.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // in KiB
}

// costOf runs a program, which has to succeed, and returns its cost.
func costOf(b *testing.B, command *exec.Cmd) cost {
	b.Helper()
	var stderr bytes.Buffer
	command.Stderr = &stderr
	begun := time.Now()
	err := command.Run()
	wall := time.Since(begun)
	if err != nil {
		b.Fatalf("%v: %v\n%s", command.Args, err, stderr.String())
	}
	state := command.ProcessState
	return cost{wall: wall, cpu: state.UserTime() + state.SystemTime(), peak: state.SysUsage().(*syscall.Rusage).Maxrss}
}

// least returns the minimum of each resource: other programs on the machine can only add to the cost of a run.
func (c cost) least(other cost) cost {
	if c.wall == 0 {
		return other
	}
	return cost{wall: min(c.wall, other.wall), cpu: min(c.cpu, other.cpu), peak: max(c.peak, other.peak)}
}

// BenchmarkFleetPreflight measures the preflight of healthy hosts against a baseline, dialing each host and running true at
// the same concurrency, and against carrying: the same with as many sessions and bytes as preflight has. The hosts run on
// the same machine, so a part of all wall times is theirs; cpu-ratio compares CPU time without that part.
func BenchmarkFleetPreflight(b *testing.B) {
	program := buildProgram(b)
	for _, size := range []int{100, 300, 1000} {
		b.Run(fmt.Sprintf("%d-hosts", size), func(b *testing.B) {
			fleet := newTestFleet(b, size, 0)
			concurrency := strconv.Itoa(workflow.DefaultConcurrency)
			var bare, carrying, preflight cost
			carry := append([]string{fleet.dir, concurrency}, preflightSizes()...)
			for b.Loop() {
				bare = bare.least(costOf(b, helper(b.Context(), "ssh-bare", fleet.dir, concurrency)))
				carrying = carrying.least(costOf(b, helper(b.Context(), "ssh-bare", carry...)))
				preflight = preflight.least(costOf(b, fleet.preflight(b.Context(), program, concurrency)))
			}
			b.ReportMetric(bare.wall.Seconds(), "s-bare")
			b.ReportMetric(carrying.wall.Seconds(), "s-carrying")
			b.ReportMetric(preflight.wall.Seconds(), "s-preflight")
			b.ReportMetric(carrying.wall.Seconds()/bare.wall.Seconds(), "ratio-carrying")
			b.ReportMetric(preflight.wall.Seconds()/bare.wall.Seconds(), "ratio")
			b.ReportMetric(preflight.cpu.Seconds()/bare.cpu.Seconds(), "cpu-ratio")
			b.ReportMetric(float64(bare.peak)/1024, "MiB-bare")
			b.ReportMetric(float64(preflight.peak)/1024, "MiB-preflight")
		})
	}
}

// preflightSizes returns the sizes of the scripts that preflight sends to a host, and of the answers, as SENT:RECEIVED bytes.
func preflightSizes() []string { return []string{"7486:9272", "3600:520", "10210:2305"} }

// preflight returns a command that checks the hosts.
func (f *testFleet) preflight(ctx context.Context, program, concurrency string) *exec.Cmd {
	return exec.CommandContext(ctx, program, "check", "preflight", "-f", f.manifest, "-o", "json", "--concurrency", concurrency)
}

// BenchmarkFleetAnsible compares Ansible running true on hosts with a whole preflight of them, at the same concurrency.
func BenchmarkFleetAnsible(b *testing.B) {
	if _, err := exec.LookPath("ansible"); err != nil {
		b.Fatal("ansible is missing: apt-get install ansible")
	}
	program := buildProgram(b)
	fleet := newTestFleet(b, 200, 0)
	concurrency := strconv.Itoa(workflow.DefaultConcurrency)
	var ansible, preflight cost
	for b.Loop() {
		preflight = preflight.least(costOf(b, fleet.preflight(b.Context(), program, concurrency)))
		ansible = ansible.least(costOf(b, fleet.ansible(b, concurrency)))
	}
	b.ReportMetric(ansible.wall.Seconds(), "s-ansible")
	b.ReportMetric(preflight.wall.Seconds(), "s-preflight")
	b.ReportMetric(ansible.wall.Seconds()/preflight.wall.Seconds(), "times-faster")
}

// ansible returns a command that runs true on all hosts. Each run has a home directory of its own, so that it does not reuse
// connections of another run, which stay open for a minute.
func (f *testFleet) ansible(b *testing.B, concurrency string) *exec.Cmd {
	b.Helper()
	home := b.TempDir()
	var inventory strings.Builder
	for _, member := range f.members {
		fmt.Fprintln(&inventory, member.Address.Addr())
	}
	hosts := filepath.Join(home, "hosts")
	if err := os.WriteFile(hosts, []byte(inventory.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	command := exec.CommandContext(b.Context(), "ansible", "all", "-i", hosts, "-m", "raw", "-a", "true", "-f", concurrency,
		"-u", "root", "--private-key", filepath.Join(f.dir, remotetest.LoginKey),
		"--ssh-common-args", "-F none -o GlobalKnownHostsFile=none -o UserKnownHostsFile="+filepath.Join(f.dir, remotetest.KnownHosts))
	command.Env = append(os.Environ(), "HOME="+home)
	return command
}
