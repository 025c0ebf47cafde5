//go:build integration

package cmd_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/lab"
)

// TestIntegrationLab uses a lab from its creation to its removal. The parts depend on each other.
func TestIntegrationLab(t *testing.T) {
	l := newTestLab(t)
	before := readMachine(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, testLab)
	}{
		{"down without a lab", labIsNotThere},
		{"first up", labComesUp},
		{"hosts are like bare metal", labHostsAreBare},
		{"hosts are told apart", labHostsDiffer},
		{"ssh", labAcceptsSSH},
		{"like RHEL", labPresents},
		{"exec", labExecutes},
		{"second up", labConverges},
		{"another lab", labRefusesAnother},
		{"stop, start and reboot", labReboots},
		{"disconnect and connect", labDisconnects},
		{"grow and shrink", labGrowsAndShrinks},
		{"edited manifests", labKeepsEdits},
		{"lost workspace", labRestoresWorkspace},
		{"killed up", labSurvivesKilledUp},
		{"killed down", labSurvivesKilledDown},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, l) }) {
			break // the failures of later parts would have no meaning
		}
	}
	l.mustRun(t, "down")
	labLeftNothing(t, l)
	if diff := cmp.Diff(before, readMachine(t)); diff != "" {
		t.Errorf("the machine is not what it was (-before +after):\n%s", diff)
	}
}

// testLab runs the program on a lab of its own.
type testLab struct{ program, workspaces string }

func newTestLab(t *testing.T) testLab {
	t.Helper()
	l := testLab{program: buildProgram(t), workspaces: filepath.Join(t.TempDir(), "workspaces")}
	t.Cleanup(func() {
		down := exec.Command(l.program, l.args("down")...)
		if out, err := down.CombinedOutput(); err != nil {
			t.Errorf("cannot remove the lab: %v\n%s", err, out)
		}
	})
	l.mustRun(t, "down") // removes the lab of a killed test run
	return l
}

func (l testLab) args(verb string, args ...string) []string {
	return append([]string{"lab", verb, "--name", testLabName(), "--workspace-dir", l.workspaces}, args...)
}

// run runs a lab command, and returns its standard output, all of its output, and the error of the process.
func (l testLab) run(t *testing.T, verb string, args ...string) (string, string, error) {
	t.Helper()
	var stdout, stderr strings.Builder
	command := exec.CommandContext(t.Context(), l.program, l.args(verb, args...)...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	return stdout.String(), stderr.String() + stdout.String(), err
}

func (l testLab) mustRun(t *testing.T, verb string, args ...string) string {
	t.Helper()
	stdout, all, err := l.run(t, verb, args...)
	if err != nil {
		t.Fatalf("lab %s %v: %v\n%s", verb, args, err, all)
	}
	return stdout
}

// on runs a shell script on a host, and returns its standard output without spaces around it.
func (l testLab) on(t *testing.T, host, script string) string {
	t.Helper()
	return strings.TrimSpace(l.mustRun(t, "exec", host, "--", "sh", "-ec", script))
}

func (l testLab) status(t *testing.T) map[string]lab.HostStatus {
	t.Helper()
	var status lab.Status
	if err := json.Unmarshal([]byte(l.mustRun(t, "status", "-o", "json")), &status); err != nil {
		t.Fatal(err)
	}
	hosts := map[string]lab.HostStatus{}
	for _, host := range status.Hosts {
		hosts[host.Name] = host
	}
	return hosts
}

func (l testLab) file(name string) string { return filepath.Join(l.workspaces, testLabName(), name) }

// machine holds the state of this machine that a lab must not change.
type machine struct{ Sysctls, Ruleset, Routes, Links, Cgroups []string }

func readMachine(t *testing.T) machine {
	t.Helper()
	output := func(program string, args ...string) []string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), program, args...).Output()
		if err != nil {
			t.Fatalf("cannot run %s: %v", program, err)
		}
		return strings.Split(string(out), "\n")
	}
	// All network sysctls, except one that counts connections.
	sysctls := slices.DeleteFunc(output("sysctl", "-a", "--ignore", "--pattern", `^net\.`), func(line string) bool {
		return strings.Contains(line, "conntrack_count")
	})
	cgroups, err := filepath.Glob("/sys/fs/cgroup/systemd/*")
	if err != nil {
		t.Fatal(err)
	}
	return machine{
		Sysctls: sysctls,
		Ruleset: output("nft", "list", "ruleset"),
		Routes:  append(output("ip", "-4", "route", "show", "table", "all"), output("ip", "-6", "route", "show", "table", "all")...),
		Links:   output("ip", "-brief", "link"),
		Cgroups: cgroups,
	}
}

// labLeftNothing checks that no containers, volumes, interfaces or files of the lab are left.
func labLeftNothing(t *testing.T, l testLab) {
	t.Helper()
	for _, list := range [][]string{
		{"podman", "ps", "--all", "--external", "--quiet", "--filter", "name=dualstrap-" + testLabName()},
		{"podman", "volume", "ls", "--quiet", "--filter", "name=dualstrap-" + testLabName()},
		{"sh", "-c", "ip -brief link | grep dslab || true"},
		{"sh", "-c", "grep dualstrap-" + testLabName() + " /proc/mounts || true"},
	} {
		out, err := exec.CommandContext(t.Context(), list[0], list[1:]...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%v: %v\n%s", list, err, out)
		}
	}
	if _, err := os.Stat(l.workspaces); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", l.workspaces, err)
	}
}
