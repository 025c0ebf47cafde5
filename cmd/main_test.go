package cmd_test

import (
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dualstrap/dualstrap/cmd"
	"github.com/dualstrap/dualstrap/internal/netspace"
)

// TestMain makes the command line available to scripts as the program dualstrap, and two helper programs to tests. As
// root, when tests may create hosts, the tests run in a network namespace of their own.
func TestMain(m *testing.M) {
	programs := map[string]func(){
		"dualstrap": func() {
			os.Exit(cmd.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
		"ssh-fleet": fleetHosts,
		"ssh-bare":  dialBare,
	}
	if os.Geteuid() == 0 && programs[filepath.Base(os.Args[0])] == nil {
		if err := makeImage(); err != nil {
			log.Fatal(err)
		}
		if err := netspace.Enter(); err != nil {
			log.Fatal(err)
		}
	}
	testscript.Main(m, programs)
}

// buildProgram builds the program as users run it, and returns its path.
func buildProgram(tb testing.TB) string {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), "dualstrap")
	build := exec.CommandContext(tb.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", program, "./dualstrap")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("cannot build the program: %v\n%s", err, out)
	}
	return program
}

// TestScripts runs the scripts in testdata/script, which call the command line as a user does.
func TestScripts(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Abs("../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"tinybundle": tinyBundle},
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXAMPLES", examples)
			bin, _, _ := strings.Cut(env.Getenv("PATH"), string(filepath.ListSeparator))
			env.Setenv("BIN", bin) // the directory of dualstrap, with no other programs
			return nil
		},
	})
}
