//go:build integration

package cmd_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestInterruptedBuildLeavesNothingRunning interrupts a build in the middle of its first component,
// as Ctrl-C would, and as nobody at a terminal does: only dualstrap gets the signal.
func TestInterruptedBuildLeavesNothingRunning(t *testing.T) {
	program := buildProgram(t)              // with Go's usual cache
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // where there is nothing yet
	output := filepath.Join(t.TempDir(), "bundle")
	build := exec.CommandContext(t.Context(), program, "bundle", "build", "--output", output) //nolint:gosec // just built
	progress, err := build.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := build.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(progress)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "[ 1/") {
		t.Fatalf("the build begins with %q", lines.Text())
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	waitUntil(t, "a child works", func() bool { return len(working(t, cache)) > 0 })
	if err := build.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	var exit *exec.ExitError
	if err := build.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 || last != "dualstrap: interrupted" {
		t.Errorf("it ends with %v and %q", err, last)
	}
	waitUntil(t, "no child works", func() bool { return len(working(t, cache)) == 0 })
	if _, err := os.Stat(output); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is an output: %v", err)
	}
}

// working gives the command lines of processes that name a folder.
func working(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil && strings.Contains(string(line), dir) { // it may have ended since
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func waitUntil(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for range 6000 {
		if condition() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}
