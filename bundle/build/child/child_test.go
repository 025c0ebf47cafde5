package child_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/bundle/build/child"
)

// family starts a child that starts a grandchild. Both hold the pipe whose other end family returns, until they exit.
const family = `sleep 600 & echo started; wait`

// TestMain lets a test kill a whole process: if this variable is set, the test's executable runs the family.
func TestMain(m *testing.M) {
	if os.Getenv("CHILD_TEST_PARENT") == "" {
		m.Run()
		return
	}
	cmd := exec.CommandContext(context.Background(), "sh", "-c", "exec sleep 600")
	cmd.ExtraFiles = []*os.File{os.NewFile(3, "held")}
	_ = child.Run(cmd)
}

// ended waits until no process holds the other end of a pipe.
func ended(t *testing.T, held io.Reader) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, held)
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("a process is still there")
	}
}

func closed(t *testing.T, file *os.File) {
	t.Helper()
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

func pipe(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, reader) })
	return reader, writer
}

func TestCancelEndsTheFamily(t *testing.T) {
	t.Parallel()
	held, write := pipe(t)
	out, started := pipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", family)
	cmd.Stdout, cmd.ExtraFiles = started, []*os.File{write}
	result := make(chan error, 1)
	go func() { result <- child.Run(cmd) }()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "started\n" {
		t.Fatalf("%q, %v", line, err)
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "killed") {
		t.Errorf("error %v", err)
	}
	closed(t, write)
	closed(t, started)
	ended(t, held)
}

func TestDeathOfTheParentEndsTheChild(t *testing.T) {
	t.Parallel()
	held, write := pipe(t)
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), "CHILD_TEST_PARENT=1")
	parent.ExtraFiles = []*os.File{write}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	closed(t, write)
	waitForChild(t, parent.Process.Pid)
	if err := parent.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	ended(t, held)
}

// waitForChild waits until a process has started a child, and returns its process ID.
func waitForChild(t *testing.T, pid int) {
	t.Helper()
	for range 3000 {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files { // one file per thread
			if found, err := os.ReadFile(file); err == nil && len(found) > 0 {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no child was started")
}

func TestOutput(t *testing.T) {
	t.Parallel()
	out, err := child.Output(exec.CommandContext(t.Context(), "sh", "-c", "echo one; echo two >&2; exit 3"))
	var exit *exec.ExitError
	if out != "one\ntwo\n" || !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("%q, %v", out, err)
	}
}
