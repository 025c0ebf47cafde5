package cmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/cmd"
)

// TestHostileEnvironments tries environments and home directories that are missing, invalid or endless: a command fails
// with the reason before it contacts any host.
func TestHostileEnvironments(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(t *testing.T, home string)
		want string
	}{
		"no home": {func(t *testing.T, _ string) { t.Helper(); t.Setenv("HOME", "") }, "cannot find the SSH configuration: $HOME is not defined"},
		"an SSH configuration without end": {func(t *testing.T, home string) {
			t.Helper()
			if err := os.Symlink("/dev/zero", filepath.Join(home, ".ssh", "config")); err != nil {
				t.Fatal(err)
			}
		}, "cannot read the SSH configuration: read "},
		"a directory as SSH configuration": {func(t *testing.T, home string) {
			t.Helper()
			put(t, filepath.Join(home, ".ssh", "config", "x"), "")
		}, "cannot read the SSH configuration: read "},
		"an SSH configuration of nonsense": {func(t *testing.T, home string) {
			t.Helper()
			put(t, filepath.Join(home, ".ssh", "config"), "Host *\n  Include [\n")
		}, "cannot read the SSH configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("HOME", home)
			t.Setenv("SSH_AUTH_SOCK", "")
			test.set(t, home)
			var out, errs bytes.Buffer
			args := []string{"check", "preflight", "-f", "../examples/dual-stack.yaml", "--bundle", wholeBundle(t)}
			if code := cmd.Main(args, strings.NewReader(""), &out, &errs); code == 0 || !strings.Contains(errs.String(), test.want) {
				t.Errorf("code %d, %q, want %s", code, errs.String(), test.want)
			}
			if strings.Contains(errs.String(), "probe") {
				t.Errorf("hosts were contacted:\n%s", errs.String())
			}
		})
	}
}
