package cmd_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dualstrap/dualstrap/cmd"
)

// terminal returns both ends of a pseudo-terminal: the one a user types into, and the one a program reads from.
func terminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = user.Close() }) // an error loses nothing
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

// TestResetAsks answers the question on a terminal with anything but yes or the cluster's name: nothing is changed.
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
			const want = "This undoes what dualstrap did, and deletes all data of the cluster, on these hosts of cluster dual-stack:\n" +
				"  10.2.0.6  worker\n" +
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
