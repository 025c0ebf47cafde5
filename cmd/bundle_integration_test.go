//go:build integration

package cmd_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestIntegrationInterruptedBuildLeavesNothingRunning interrupts a build in the middle of its first component. Unlike with Ctrl-C at a
// terminal, only dualstrap gets the signal, not its children.
func TestIntegrationInterruptedBuildLeavesNothingRunning(t *testing.T) {
	program := buildProgram(t) // with Go's usual cache
	cache, scratch := t.TempDir(), t.TempDir()
	output := filepath.Join(t.TempDir(), "bundle")
	build := exec.CommandContext(t.Context(), program, "bundle", "build", "--output", output)
	build.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache, "TMPDIR="+scratch) // empty, so that everything has to be built
	progress, err := build.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := build.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(progress)
	if !lines.Scan() || !strings.Contains(lines.Text(), " [ 1/") {
		t.Fatalf("the build begins with %q", lines.Text())
	}
	waitUntil(t, "a child works", func() bool { return len(working(t, build.Process.Pid, cache)) > 0 })
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
	waitUntil(t, "no child works", func() bool { return len(working(t, build.Process.Pid, cache)) == 0 })
	if _, err := os.Stat(output); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is an output: %v", err)
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("it left %v in the directory for temporary files: %v", left, err)
	}
}

// working returns the IDs of processes that inherited a cache's directory from the build in their environment. Arguments
// need not name the directory, and a child whose parent has ended has lost its relation to the build.
func working(t *testing.T, build int, cache string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		process := filepath.Base(filepath.Dir(file))
		variables, err := os.ReadFile(file) // it may have ended since
		if err == nil && process != strconv.Itoa(build) && strings.Contains(string(variables), "XDG_CACHE_HOME="+cache+"\x00") {
			found = append(found, process)
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
