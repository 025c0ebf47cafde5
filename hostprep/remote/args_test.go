package remote_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// Parts of a script that declare arguments.
const (
	lockPart = "# Waits.\n# Arguments:\n#   seconds: how long\nwait() { sleep \"$seconds\"; }\n"
	bodyPart = `# Installs packages.
#
# Arguments:
#   packages: names of packages, one per line: all of them
#     must exist
#   manager: apt-get or dnf
# Standard input: none
#   other: this is not an argument
wait
# Arguments:
#   late: neither is this
`
)

func TestNewScript(t *testing.T) {
	t.Parallel()
	args := remote.Args{"seconds": "1", "packages": remote.Lines("a", "b"), "manager": ""}
	script, err := remote.NewScript("install", args, lockPart, bodyPart)
	want := remote.Script{
		Name: "install", Body: lockPart + bodyPart,
		Args: remote.Args{"seconds": "1", "packages": "a\nb", "manager": ""},
	}
	if diff := cmp.Diff(want, script); diff != "" || err != nil {
		t.Errorf("script (-want +got), %v:\n%s", err, diff)
	}
}

// TestHostileScriptArgs tries arguments that are not those which a script declares, with names that a shell or a script uses
// for something else, and with values that a shell cannot hold. The script must not be sent.
func TestHostileScriptArgs(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	host := connect(t, server)
	for name, test := range map[string]struct {
		args remote.Args
		says string
	}{
		"a missing one":      {remote.Args{"seconds": "1", "packages": "x"}, "argument manager is missing"},
		"one of a part":      {remote.Args{"manager": "x", "packages": "x"}, "argument seconds is missing"},
		"a superfluous one":  {remote.Args{"seconds": "", "packages": "", "manager": "", "other": ""}, `does not declare the argument "other"`},
		"none at all":        {nil, "is missing"},
		"empty":              {remote.Args{"": "x"}, `"" cannot name an argument`},
		"the PATH":           {remote.Args{"PATH": "x"}, "cannot name an argument"},
		"the IFS":            {remote.Args{"IFS": "x"}, "cannot name an argument"},
		"a mixed case":       {remote.Args{"someFiles": "x"}, "cannot name an argument"},
		"of the frame":       {remote.Args{"_status": "x"}, "cannot name an argument"},
		"a digit first":      {remote.Args{"1st": "x"}, "cannot name an argument"},
		"a dash":             {remote.Args{"a-b": "x"}, "cannot name an argument"},
		"another language":   {remote.Args{"größe": "x"}, "cannot name an argument"},
		"a command":          {remote.Args{"a;id;b": "x"}, "cannot name an argument"},
		"another line":       {remote.Args{"a\nid\nb": "x"}, "cannot name an argument"},
		"the lock":           {remote.Args{"lock": "x"}, "it is a variable of scripts"},
		"the state":          {remote.Args{"state": "x"}, "it is a variable of scripts"},
		"NUL in a value":     {remote.Args{"a": "x\x00y"}, "cannot hold NUL"},
		"NUL in a name":      {remote.Args{"a\x00": "x"}, "cannot name an argument"},
		"an equals sign":     {remote.Args{"a=b": "x"}, "cannot name an argument"},
		"an array's element": {remote.Args{"a[0]": "x"}, "cannot name an argument"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := remote.NewScript("install", test.args, lockPart, bodyPart)
			if strings.Contains(test.says, "cannot") || strings.Contains(test.says, "variable") {
				ran := filepath.Join(t.TempDir(), "ran")
				_, err = host.Run(bound(t), remote.Script{Name: "install", Body: ": >" + ran, Args: test.args})
				if _, missing := os.Stat(ran); !os.IsNotExist(missing) {
					t.Error("the script was sent")
				}
			}
			says(t, err, "install: ", test.says)
		})
	}
}

// shellPath returns a PATH on which sh is the given shell.
func shellPath(t *testing.T, shell string) string {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install %s", shell, shell)
	}
	bin := t.TempDir()
	if err := os.Symlink(path, filepath.Join(bin, "sh")); err != nil {
		t.Fatal(err)
	}
	return "PATH=" + bin + ":" + os.Getenv("PATH")
}

// Arguments reach a script's processes neither as their arguments nor as their environment, even if the host's environment
// has variables of these names.
func TestArgsAreNotPassedOn(t *testing.T) {
	t.Parallel()
	const secret = "abcdef.0123456789abcdef"
	for _, shell := range []string{"dash", "bash"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			server := remotetest.NewServer(t, remotetest.Options{Env: []string{shellPath(t, shell), "token=inherited", "other=kept"}})
			answer, err := connect(t, server).Run(bound(t), remote.Script{
				Name: "look", Args: remote.Args{"token": secret},
				Body: `answer token printf %s "$token"; answer environ env; answer cmdlines cat /proc/$$/cmdline /proc/self/cmdline`,
			})
			if err != nil || answer.Text("token") != secret {
				t.Fatalf("token %q, error %v", answer.Text("token"), err)
			}
			seen := answer.Text("environ") + answer.Text("cmdlines")
			if strings.Contains(seen, secret) || !strings.Contains(seen, "other=kept") || !strings.Contains(seen, "/proc/self/cmdline") {
				t.Error("a process has the argument in its environment or in its arguments, or the script does not show either")
			}
		})
	}
}
