package workspace

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stranger and another are user IDs that belong neither to root nor to the user who runs the tests.
const stranger, another = 54321, 54322

// foreignDir makes a workspace and a link to it. It returns its owner, which is not root: the user who runs the tests, or
// stranger if that is root.
func foreignDir(t *testing.T) (dir, link string, owner int) {
	t.Helper()
	dir, link = filepath.Join(t.TempDir(), "workspace"), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Symlink(dir, link)); err != nil {
		t.Fatal(err)
	}
	owner = os.Geteuid()
	if owner == 0 {
		owner = stranger
		if err := os.Chown(dir, owner, -1); err != nil {
			t.Fatal(err)
		}
	}
	return dir, link, owner
}

func TestCheckOwner(t *testing.T) {
	t.Parallel()
	dir, _, owner := foreignDir(t)
	for name, test := range map[string]struct {
		path string
		me   int
		sudo string
	}{
		"mine":               {dir, owner, ""},
		"of who became root": {dir, 0, strconv.Itoa(owner)},
		"root's":             {"/", another, ""},
		"not there":          {filepath.Join(dir, "none"), another, ""},
	} {
		if err := checkOwner(test.path, test.me, test.sudo); err != nil {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestHostileWorkspaceOwners tries workspaces that another user owns.
func TestHostileWorkspaceOwners(t *testing.T) {
	t.Parallel()
	dir, link, owner := foreignDir(t)
	for name, test := range map[string]struct {
		path string
		me   int
		sudo string
	}{
		"somebody else's":               {dir, another, ""},
		"somebody else's behind a link": {link, another, ""},
		"a user's for root":             {dir, 0, ""},
		"of who else became root":       {dir, 0, strconv.Itoa(another)},
		"of who only says so":           {dir, another, strconv.Itoa(owner)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused *OwnerError
			if err := checkOwner(test.path, test.me, test.sudo); !errors.As(err, &refused) {
				t.Fatalf("error %v", err)
			}
			if refused.Owner != owner || !strings.Contains(refused.Hint(), "--workspace-dir") {
				t.Errorf("%v", refused)
			}
		})
	}
}

// TestHostileWorkspaces tries what keeps a run from leaving its logs, its report and its kubeconfig: each is told, and a
// log that a full disk has cut once, at the end.
func TestHostileWorkspaces(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 6, 18, 8, 0, time.UTC)
	const logs = "prod/log/create-cluster-20261125-061808"
	for name, test := range map[string]struct {
		make func(root *os.Root) error
		want string
	}{
		"a file in its place": {func(root *os.Root) error { return root.WriteFile("prod", nil, 0o600) }, "cannot make the directory for logs"},
		"a link to nothing": {
			func(root *os.Root) error { return root.Symlink("/does/not/exist", "prod") }, "cannot make the directory for logs",
		},
		"a full disk": {inLogs(logs, "/dev/full", "create-cluster.log"), "no space left on device"},
		"a full disk for a host": {
			inLogs(logs, "/dev/full", "10.2.0.4.log"), "no space left on device",
		},
		"a directory as log":    {func(root *os.Root) error { return root.MkdirAll(logs+"/create-cluster.log", 0o700) }, "cannot write a log"},
		"a directory as report": {func(root *os.Root) error { return root.MkdirAll(logs+"/report.json/x", 0o700) }, "cannot write the report"},
		"a directory as kubeconfig": {
			func(root *os.Root) error { return root.MkdirAll("prod/prod-kubeconfig/x", 0o700) }, "cannot write the kubeconfig",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(test.make(root), root.Close()); err != nil {
				t.Fatal(err)
			}
			if err := leave(dir, now); err == nil || strings.Count(err.Error(), test.want) != 1 {
				t.Errorf("error %v, want once %s", err, test.want)
			}
		})
	}
}

// inLogs returns a function that makes a link in the directory of the run.
func inLogs(logs, target, name string) func(*os.Root) error {
	return func(root *os.Root) error {
		return errors.Join(root.MkdirAll(logs, 0o700), root.Symlink(target, logs+"/"+name))
	}
}

// leave writes everything that a run writes to its workspace.
func leave(dir string, now time.Time) error {
	run, err := Begin(dir, "prod", "create-cluster", now)
	if err != nil {
		return err
	}
	for range 2 {
		run.Log().Info("begins", slog.Int("hosts", 3))
		run.HostLog(netip.MustParseAddr("10.2.0.4")).Info("done")
	}
	return errors.Join(run.WriteReport(true), run.WriteKubeconfig([]byte("kind: Config\n")), run.Close())
}
