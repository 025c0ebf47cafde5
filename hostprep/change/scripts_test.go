package change

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestScriptsHaveTheStateDir verifies that scripts use the same directory as this program.
func TestScriptsHaveTheStateDir(t *testing.T) {
	t.Parallel()
	text, err := fs.ReadFile(scripts, "scripts/state.sh")
	if err != nil || !strings.HasSuffix(string(text), "\nstate="+stateDir+"\n") {
		t.Errorf("got %q, %v, want state=%s", text, err, stateDir)
	}
}

// TestScriptsHoldTheLock verifies that scripts that change the host hold its lock, and that those whose answers
// are the input of a plan wait until the lock is free.
func TestScriptsHoldTheLock(t *testing.T) {
	t.Parallel()
	paths, err := fs.Glob(scripts, "scripts/*.sh")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	waiting := []string{"scripts/survey.sh", "scripts/record_read.sh"}
	// These run in the middle of a run, which may hold the lock itself.
	reading := []string{"scripts/firewalld_read.sh", "scripts/firewalld_state.sh", "scripts/undo_lock.sh"}
	for _, path := range paths {
		text, err := fs.ReadFile(scripts, path)
		if err != nil {
			t.Fatal(err)
		}
		want := "lock_shared"
		switch {
		case path == "scripts/state.sh", slices.Contains(reading, path):
			continue
		case slices.Contains(waiting, path):
			want = "wait_unlocked"
		}
		if regexp.MustCompile(`(?m)^\s*(dnf|apt-get|ctr .* import) `).Match(text) && !regexp.MustCompile(`(?m)^progress [0-9]+`).Match(text) {
			t.Errorf("%s calls a program that may take long without output, but not: progress SECONDS", path)
		}
		if !regexp.MustCompile("(?m)^" + want + "$").Match(text) {
			t.Errorf("%s does not call %s", path, want)
		}
	}
}
