package preflight_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/provision/clustertest"
	"github.com/dualstrap/dualstrap/provision/preflight"
	"github.com/dualstrap/dualstrap/render"
)

func TestBareHosts(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "ha.yaml", clustertest.Encrypting)
	found, err := preflight.Run(t.Context(), w.Session(t))
	if err != nil {
		t.Fatal(err)
	}
	if changes := w.Changes(); len(changes) > 0 {
		t.Errorf("preflight changes: %v", changes)
	}
	w.ExpectBare(t)
	if err := preflight.FailedChecks(found.Report); err != nil {
		t.Error(err)
	}
	for i, host := range found.Hosts {
		writesKeys := slices.Contains(host.Changes, "write "+render.EncryptionConfig)
		if len(host.Changes) < 10 || writesKeys != (i < 3) {
			t.Errorf("%s: %d changes, the keys among them: %t", host.Address, len(host.Changes), writesKeys)
		}
		if len(found.Diffs[host.Address]) != len(host.Changes) {
			t.Errorf("%s: %d diffs for %d changes", host.Address, len(found.Diffs[host.Address]), len(host.Changes))
		}
	}
}

// TestCluster checks that preflight plans what create would do to a node that differs from the manifests.
func TestCluster(t *testing.T) {
	t.Parallel()
	w := clustertest.NewCluster(t, "dual-stack.yaml")
	found, err := preflight.Run(t.Context(), w.Session(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range found.Hosts {
		if len(host.Changes) > 0 {
			t.Errorf("%s: on a cluster that is as it should be: %q", host.Address, host.Changes)
		}
	}
	w.Hosts()[1].Write("/etc/sysctl.d/90-dualstrap.conf", "net.ipv4.ip_forward = 0\n")
	if found, err = preflight.Run(t.Context(), w.Session(t)); err != nil {
		t.Fatal(err)
	}
	changed := found.Diffs[found.Hosts[1].Address]
	if len(changed) != 1 || !strings.Contains(changed[0].Summary, "/etc/sysctl.d/90-dualstrap.conf") ||
		!strings.Contains(changed[0].Diff(), "-net.ipv4.ip_forward = 0") {
		t.Errorf("the changed node: %+v", changed)
	}
	if len(found.Hosts[0].Changes)+len(found.Hosts[2].Changes) > 0 {
		t.Error("changes are planned for other nodes")
	}
	if changes := w.Changes(); len(changes) > 0 {
		t.Errorf("preflight changes: %v", changes)
	}
}

// TestFailedHosts checks that nothing is planned for hosts that fail their checks, and that they are counted.
func TestFailedHosts(t *testing.T) {
	t.Parallel()
	w := clustertest.NewWorld(t, "dual-stack.yaml")
	w.Hosts()[0].Write("/etc/dualstrap/cluster.yaml", "controlPlaneEndpoint: 10.9.9.9:443\n")
	w.Hosts()[2].SetDown(true)
	found, err := preflight.Run(t.Context(), w.Session(t))
	if err != nil {
		t.Fatal(err)
	}
	var failed *preflight.FailedChecksError
	if err := preflight.FailedChecks(found.Report); !errors.As(err, &failed) || failed.Failed != 2 || failed.Hosts != 3 ||
		err.Error() != "2 of 3 hosts failed their checks; nothing was changed" {
		t.Errorf("%v", err)
	}
	for i, host := range found.Hosts {
		if planned := len(host.Changes) > 0; planned != (i == 1) {
			t.Errorf("%s: changes are planned: %t", host.Address, planned)
		}
		if has := host.Count(check.Failed) > 0; has != (i != 1) {
			t.Errorf("%s: failed checks: %t", host.Address, has)
		}
	}
}

// TestMissingFilesEndTheRunFirst checks that a file of this machine is missing before any host has been asked.
func TestMissingFilesEndTheRunFirst(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "ca.crt")
	w := clustertest.NewWorld(t, "dual-stack.yaml", func(config *api.Config) {
		config.RegistryMirrors = []api.RegistryMirror{{Endpoint: "https://10.9.9.9", CACertPath: missing}}
	})
	_, err := preflight.Run(t.Context(), w.Session(t))
	if err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("%v", err)
	}
	if calls := w.Calls(); len(calls) > 0 {
		t.Errorf("hosts are asked: %v", calls)
	}
}
