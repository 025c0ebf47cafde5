package cmd_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dualstrap/dualstrap/cmd"
)

// terminal gives both ends of a terminal: what a user types into, and what a program reads from.
func terminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = user.Close() }) // nothing is lost with it
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return user, program
}

// TestResetAsks: on a terminal it shows what is reset, and takes nothing but yes or the cluster's name.
func TestResetAsks(t *testing.T) {
	t.Parallel()
	const endOfInput = "\x04"
	for name, answer := range map[string]string{"no": "no\n", "another word": "y\n", "another cluster": "dual\n", "nothing": endOfInput} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user, program := terminal(t)
			if _, err := user.WriteString(answer); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			workspaces := t.TempDir()
			args := []string{"reset", "nodes", "-f", "../examples/dual-stack.yaml", "--addresses", "10.2.0.6", "--workspace-dir", workspaces}
			if got := cmd.Main(args, program, &out, &out); got != 1 {
				t.Errorf("exit code %d", got)
			}
			const want = "on these hosts of cluster dual-stack, with all that the cluster keeps there:\n  10.2.0.6  worker\n" +
				"To go on, type yes or dual-stack: dualstrap: not confirmed: nothing was changed\n"
			if !strings.HasSuffix(out.String(), want) {
				t.Errorf("it says:\n%s", out.String())
			}
			if left, err := os.ReadDir(workspaces); err != nil || len(left) > 0 {
				t.Errorf("the workspace has %v, %v", left, err)
			}
		})
	}
}
