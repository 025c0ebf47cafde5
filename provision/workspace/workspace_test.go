package workspace_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/provision/workspace"
)

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run, err := workspace.Begin(dir, "prod", "create-cluster", time.Date(2026, 11, 25, 6, 18, 8, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "prod", "log", "create-cluster-20261125-061808"); run.Dir != want {
		t.Errorf("the directory is %s, want %s", run.Dir, want)
	}
	host := netip.MustParseAddr("fd12::2:4")
	run.Log().Info("begins")
	run.HostLog(host).Info("script done", "script", "probe")
	run.HostLog(host).Info("script done", "script", "prepare")
	for range 2 { // the second replaces the first
		if err := run.WriteReport(map[string]bool{"ok": true}); err != nil {
			t.Fatal(err)
		}
		if err := run.WriteKubeconfig([]byte("kind: Config\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		mode os.FileMode
		text string
	}{
		filepath.Join(run.Dir, "create-cluster.log"):  {0o600, "begins"},
		filepath.Join(run.Dir, "fd12::2:4.log"):       {0o600, "script=prepare"},
		filepath.Join(run.Dir, "report.json"):         {0o644, `"ok": true`},
		filepath.Join(dir, "prod", "prod-kubeconfig"): {0o600, "kind: Config"},
	} {
		content, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(content), want.text) {
			t.Errorf("%s: %q, %v", path, content, err)
		}
		if info, err := os.Stat(path); err == nil && info.Mode().Perm() != want.mode {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want.mode)
		}
	}
	if info, err := os.Stat(run.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory of the run: %v, %v", info, err)
	}
	if all, err := filepath.Glob(filepath.Join(dir, "prod", ".*")); err != nil || len(all) > 0 {
		t.Errorf("temporary files are left: %v, %v", all, err)
	}
}
