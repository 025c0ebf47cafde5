package change

import (
	"io/fs"
	"regexp"
	"slices"
	"testing"
)

// Scripts either change the host, and hold its lock, or look at it. What is planned with is looked at
// when nobody holds the lock.
func TestScriptsHoldTheLock(t *testing.T) {
	t.Parallel()
	paths, err := fs.Glob(scripts, "scripts/*.sh")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	waiting := []string{"scripts/survey.sh", "scripts/record_read.sh"}
	looking := []string{"scripts/firewalld_read.sh", "scripts/firewalld_state.sh", "scripts/undo_lock.sh"} // in the middle of a run
	for _, path := range paths {
		text, err := fs.ReadFile(scripts, path)
		if err != nil {
			t.Fatal(err)
		}
		want := "lock_shared"
		switch {
		case slices.Contains(looking, path):
			continue
		case slices.Contains(waiting, path):
			want = "wait_unlocked"
		}
		if regexp.MustCompile(`(?m)^\s*(dnf|apt-get|ctr .* import) `).Match(text) && !regexp.MustCompile(`(?m)^progress [0-9]+`).Match(text) {
			t.Errorf("%s calls what may take long by itself, and does not say so: progress SECONDS", path)
		}
		if !regexp.MustCompile("(?m)^" + want + "$").Match(text) {
			t.Errorf("%s does not call %s", path, want)
		}
	}
}
