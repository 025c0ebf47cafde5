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

// TestMain lets scripts call the command line as the program dualstrap, and tests some programs of their own.
// Where tests may make hosts, they get a network of their own first.
func TestMain(m *testing.M) {
	programs := map[string]func(){
		"dualstrap": func() {
			os.Exit(cmd.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) //nolint:forbidigo // it stands for main
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

// buildProgram builds the program as users run it and gives its path.
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

// TestScripts runs the command line as a user does; every script is a conversation.
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
			env.Setenv("BIN", bin) // where dualstrap is, and nothing else
			return nil
		},
	})
}
