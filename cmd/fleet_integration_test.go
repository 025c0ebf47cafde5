//go:build integration

package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// reasons returns, for each ailment, the texts that the error of such a host has to contain.
func reasons() map[remotetest.Ailment][]string {
	return map[remotetest.Ailment][]string{
		remotetest.Refuses: {"connection refused"},
		remotetest.Hangs:   {"timed out", "does not finish the login"},
		remotetest.Drops:   {probesHost, "connection lost"},
		remotetest.Stalls:  {probesHost, "connection lost", "silent"},
		remotetest.Differs: {"host key changed", "ssh-ed25519"},
	}
}

// TestIntegrationPreflightOfBrokenFleet checks a thousand hosts, some of which fail, in every way there is. Each failure has
// to be reported with its own reason, the run has to finish without help, and no host may be changed.
func TestIntegrationPreflightOfBrokenFleet(t *testing.T) {
	program := buildProgram(t)
	const size, ailing = 1000, 10
	fleet := newTestFleet(t, size, ailing, remotetest.Refuses, remotetest.Hangs, remotetest.Drops, remotetest.Stalls, remotetest.Differs)
	var report check.Report
	said := fleet.run(t, program, &report, "check", "preflight", "-f", fleet.manifest, "-o", "json")
	if want := "50 of 1000 hosts failed their checks; nothing was changed"; !strings.Contains(said, want) {
		t.Errorf("it does not say %q: %s", want, said)
	}
	fleet.compare(t, report)

	bundle := filepath.Join(t.TempDir(), "bundle")
	writeFleetBundle(t, bundle)
	var created struct{ Preflight check.Report }
	fleet.run(t, program, &created, "create", "cluster", "-f", fleet.manifest, "-o", "json",
		"--bundle", bundle, "--workspace-dir", t.TempDir())
	fleet.compare(t, created.Preflight)
	fleet.compareAsked(t, fleet.stop(t))
}

// run runs a command, which has to exit with the code for failed hosts, decodes its JSON output into result, and returns its
// standard error.
func (f *testFleet) run(t *testing.T, program string, result any, args ...string) string {
	t.Helper()
	const patience = 10 * time.Minute // far more than any command should need
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, program, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := command.Run(); !errors.As(err, &exit) || exit.ExitCode() != cli.ExitHosts {
		t.Fatalf("%v: %v, want exit code %d\n%s", args, err, cli.ExitHosts, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), result); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return stderr.String()
}

// compare compares a report with the ailments of the hosts.
func (f *testFleet) compare(t *testing.T, report check.Report) {
	t.Helper()
	if report.OK || len(report.Hosts) != len(f.members) {
		t.Fatalf("%d hosts, of %d; all are well: %t", len(report.Hosts), len(f.members), report.OK)
	}
	for i, host := range report.Hosts {
		member := f.members[i]
		if host.Address != member.Address.Addr() {
			t.Fatalf("host %d is %s, not %s", i, host.Address, member.Address)
		}
		failures := slices.DeleteFunc(slices.Clone(host.Checks), func(r check.Result) bool { return r.Status != check.Failed })
		switch {
		case member.Ailment == "" && len(failures) > 0:
			t.Errorf("%s is well and fails: %v", host.Address, failures)
		case member.Ailment == "":
		case len(failures) != 1 || failures[0].Name != "ssh" || failures[0].Hint == "":
			t.Errorf("%s %s and fails: %v", host.Address, member.Ailment, failures)
		default:
			for _, reason := range append(reasons()[member.Ailment], host.Address.String()) {
				if !strings.Contains(failures[0].Message, reason) {
					t.Errorf("%s %s, and is told without %q: %s", host.Address, member.Ailment, reason, failures[0].Message)
				}
			}
		}
	}
}

// compareAsked checks that hosts only got requests that read them, and control plane hosts also those for the lock of create.
func (f *testFleet) compareAsked(t *testing.T, asked []remotetest.Asked) {
	t.Helper()
	times := map[string]int{}
	controlPlane := f.members[:3]
	for _, each := range asked {
		times[each.Name]++
		locks := each.Name == holdsLock || each.Name == waitsForLock
		mayLock := slices.ContainsFunc(controlPlane, func(m remotetest.Member) bool { return m.Address.Addr() == each.Host })
		if each.Name == "" || locks && !mayLock {
			t.Errorf("%s was asked: %q %s", each.Host, each.Name, each.What)
		}
	}
	well := 950
	for name, least := range map[string]int{probesHost: 2 * well, probesNetwork: 2 * well, surveys: well, holdsLock: 3, waitsForLock: 3} {
		if times[name] < least {
			t.Errorf("%q was asked for %d times, not %d: %v", name, times[name], least, times)
		}
	}
}

// writeFleetBundle writes a bundle that create accepts, whose files are never used.
func writeFleetBundle(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const manifest = `{"schemaVersion": 1, "kubernetesVersion": "v1.36.3", "architecture": "amd64", "goVersion": "go1.26.8", "files": [
  {"path": "bin/x.gz", "kind": "executable", "name": "x", "version": "v1", "size": 1, "sha256": "DIGEST", "roles": ["worker"],
   "executable": {"path": "/usr/local/bin/x", "mode": "0755", "size": 1, "sha256": "DIGEST"}}]}`
	content := strings.ReplaceAll(manifest, "DIGEST", strings.Repeat("0", 64))
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
