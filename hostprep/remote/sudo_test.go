package remote_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// toolbox returns a directory for PATH that contains only env, sh, and, if the script is not empty, sudo.
func toolbox(t *testing.T, sudo string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"env", "sh"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if sudo != "" {
		if err := os.Chmod(write(t, filepath.Join(dir, "sudo"), "#!/bin/sh\n"+sudo+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return "PATH=" + dir
}

func TestSudo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sudo string
		want error
		hint string
	}{
		"works":             {`[ "$1 $2 $3" = "-n -H --" ] || exit 9; shift 3; exec "$@"`, nil, ""},
		"missing":           {"", remote.ErrSudo, "install sudo on the host, or log in as root"},
		"password needed":   {"echo 'sudo: a password is required' >&2; exit 1", remote.ErrSudo, "admin needs sudo without a password"},
		"not allowed":       {"echo 'admin is not in the sudoers file.' >&2; exit 1", remote.ErrSudo, "admin may not become root"},
		"terminal required": {"echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1", remote.ErrSudo, "without a terminal"},
		"something else":    {"echo 'sudo: kaputt' >&2; exit 1", remote.ErrProtocol, "check the login shell"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := remotetest.NewServer(t, remotetest.Options{Env: []string{toolbox(t, test.sudo)}, Shell: []string{"/bin/sh", "-c"}})
			host := connect(t, server, func(s *remote.Settings) { s.User = "admin" })
			_, err := host.Probe(bound(t), remote.Script{Name: "facts", Body: "answer a true"})
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			reason(t, err, test.want)
			if failed, is := errors.AsType[*remote.Error](err); !is || !strings.Contains(failed.Hint(), test.hint) {
				t.Errorf("the hint of %v is not %q", err, test.hint)
			}
		})
	}
}
