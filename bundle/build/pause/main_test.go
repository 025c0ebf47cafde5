package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pause")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags", "-X main.version=1.2.3", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), build(t), "-v").Output(); err != nil || string(out) != "pause 1.2.3\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestPauseReapsAndEnds starts pause with a child that exits, like an orphan that a pod's init inherits, and then tells
// it to stop. A process keeps its children through exec, which makes pause a parent without being init.
func TestPauseReapsAndEnds(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		orphan := filepath.Join(t.TempDir(), "orphan")
		script := `sh -c 'while ! test -e "$0.go"; do sleep 0.05; done' "$1" & echo $! >"$1"; exec "$0"`
		cmd := exec.CommandContext(t.Context(), "sh", "-c", script, build(t), orphan)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		pid := 0
		until(t, "pause runs", func() bool {
			name, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/comm")
			written, _ := os.ReadFile(orphan)
			pid, _ = strconv.Atoi(strings.TrimSpace(string(written)))
			return err == nil && string(bytes.TrimSpace(name)) == "pause" && pid > 0
		})
		if err := os.WriteFile(orphan+".go", nil, 0o644); err != nil {
			t.Fatal(err)
		}
		until(t, "the orphan is reaped", func() bool {
			return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) // signal 0 succeeds for a zombie
		})
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("told to stop by %v, it ends with %v", signal, err)
		}
	}
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for range 3000 {
		if condition() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}
