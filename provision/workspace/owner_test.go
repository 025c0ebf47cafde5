package workspace

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// somebody is neither root nor, but for root, whoever runs the tests.
const somebody, another = 54321, 54322

func TestCheckOwner(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "workspace")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	owner := os.Geteuid()
	if owner == 0 {
		owner = somebody
		if err := os.Chown(dir, owner, -1); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path string
		me         int
		sudo       string
		refused    bool
	}{
		{"mine", dir, owner, "", false},
		{"somebody else's", dir, another, "", true},
		{"somebody else's behind a link", link, another, "", true},
		{"a user's for root", dir, 0, "", true},
		{"of who became root", dir, 0, strconv.Itoa(owner), false},
		{"of who else became root", dir, 0, strconv.Itoa(another), true},
		{"of who only says so", dir, another, strconv.Itoa(owner), true},
		{"root's", "/", another, "", false},
		{"not there", filepath.Join(dir, "none"), another, "", false},
	} {
		err := checkOwner(test.path, test.me, test.sudo)
		var refused *OwnerError
		if errors.As(err, &refused) != test.refused || err != nil && !test.refused {
			t.Errorf("%s: error %v", test.name, err)
		}
		if test.refused && (refused.Owner != owner || !strings.Contains(refused.Hint(), "--workspace-dir")) {
			t.Errorf("%s: %v", test.name, refused)
		}
	}
}

// A log that a full disk has cut is told at the end, the first time it happened.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Date(2026, 11, 25, 6, 18, 8, 0, time.UTC)
	logs := filepath.Join(dir, "prod", "log", "create-cluster-20261125-061808")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", filepath.Join(logs, "create-cluster.log")); err != nil {
		t.Fatal(err)
	}
	run, err := Begin(dir, "prod", "create-cluster", now)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		run.Log().Info("begins", slog.Int("hosts", 3))
	}
	err = run.Close()
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "create-cluster.log") || strings.Count(err.Error(), "no space") != 1 {
		t.Errorf("error %v", err)
	}
}
