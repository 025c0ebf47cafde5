package localfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/internal/localfile"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"~/a/b": "/home/me/a/b", "~/": "/home/me", "~": "~", "~you/a": "~you/a", "/~/a": "/~/a", "a/~/b": "a/~/b", "": "", "./~/a": "./~/a",
	} {
		if got := localfile.Expand("/home/me", path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestRead(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	path := filepath.Join(home, "a")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, "~/a"} {
		if content, err := localfile.Read(name, 4); err != nil || string(content) != "text" {
			t.Errorf("%s: %q, %v", name, content, err)
		}
	}
}

// TestHostileLocalFiles tries paths that do not exist, that are not regular files, and that have too many bytes or no
// end.
func TestHostileLocalFiles(t *testing.T) {
	t.Parallel()
	long := filepath.Join(t.TempDir(), "long")
	if err := os.WriteFile(long, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		long: "it has more than 3 bytes", "/dev/zero": "it has more than 3 bytes", "/does/not/exist": "no such file", "/": "is a directory",
		"~/": "is a directory", "~nobody/x": "no such file", "a\x00b": "invalid argument",
		strings.Repeat("x", 5000): "file name too long", "": "no such file",
	} {
		t.Run("of "+strings.ReplaceAll(filepath.Base(path), "/", "root")+" "+want, func(t *testing.T) {
			t.Parallel()
			content, err := localfile.Read(path, 3)
			var failed *fs.PathError
			if content != nil || !errors.As(err, &failed) || !strings.Contains(err.Error(), want) {
				t.Errorf("%q, %v, want %s", content, err, want)
			}
		})
	}
}
