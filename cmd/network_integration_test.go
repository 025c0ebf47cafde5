//go:build integration

package cmd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// networkCalls runs a command under strace, and returns the network system calls of the command and its children.
func networkCalls(t *testing.T, command ...string) string {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	args := append([]string{"--follow-forks", "--quiet=all", "--signal=none", "--trace=%network", "--output=" + trace}, command...)
	var stderr bytes.Buffer
	strace := exec.CommandContext(t.Context(), "strace", args...)
	strace.Stderr = &stderr
	if err := strace.Run(); err != nil && strace.ProcessState == nil {
		t.Fatalf("cannot run strace (apt-get install strace): %v\n%s", err, stderr.String())
	}
	calls, err := os.ReadFile(trace)
	if err != nil {
		t.Fatalf("no trace of %v: %v\n%s", command, err, stderr.String())
	}
	// strace prints a line without a system call for a thread that ends together with the process.
	ended := func(line string) bool { return strings.Contains(line, " ???( <detached") }
	lines := slices.DeleteFunc(slices.Collect(strings.Lines(string(calls))), ended)
	return strings.Join(lines, "")
}

func TestIntegrationDryRunOpensNoNetworkConnection(t *testing.T) {
	t.Parallel()
	program := buildProgram(t)
	examples, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, example := range examples {
		if calls := networkCalls(t, program, "create", "cluster", "-f", example, "--dry-run"); calls != "" {
			t.Errorf("%s: the dry run made network system calls:\n%s", example, calls)
		}
	}
	// Make sure that the trace would show them: it does for a shell that tries to connect.
	if calls := networkCalls(t, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/1"); calls == "" {
		t.Error("strace shows no network system call of a program that connects")
	}
}
