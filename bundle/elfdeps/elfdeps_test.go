package elfdeps_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/bundle/elfdeps"
)

// TestClosureOfARealProgram uses the shell, which exists on every system and is not static.
func TestClosureOfARealProgram(t *testing.T) {
	t.Parallel()
	loader, err := elfdeps.Interpreter("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	names, err := elfdeps.Closure("/", "/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/bin/sh", loader} {
		if !slices.Contains(names, want) {
			t.Errorf("%v lacks %s", names, want)
		}
	}
	if !slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, "/libc.so.6") }) || !slices.IsSorted(names) {
		t.Errorf("%v lacks the C library or is not sorted", names)
	}
}

func TestClosureNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "bin/sh"), shell)
	_, err = elfdeps.Closure(elfdeps.Root(root), "/bin/sh")
	if err == nil || !strings.Contains(err.Error(), "/bin/sh") || !strings.Contains(err.Error(), "libc.so.6") {
		t.Errorf("error %v", err)
	}
	write(t, filepath.Join(root, "script"), []byte("#!/bin/sh\n"))
	if _, err := elfdeps.Closure(elfdeps.Root(root), "/script"); err == nil || !strings.Contains(err.Error(), "/script") {
		t.Errorf("error %v", err)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestRootFollowsLinksInside checks that links of a package never lead to a file of this machine.
func TestRootFollowsLinksInside(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, filepath.Join(root, "usr/lib/file"), []byte("inside"))
	write(t, filepath.Join(filepath.Dir(root), "outside"), []byte("outside"))
	for name, target := range map[string]string{
		"lib":               "usr/lib",
		"usr/lib/relative":  "file",
		"usr/lib/absolute":  "/lib/file",
		"usr/lib/above":     "../../../../../../usr/lib/file",
		"usr/lib/escape":    "../../../outside",
		"usr/lib/loop":      "loop",
		"usr/lib/directory": "..",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"/usr/lib/file", "/lib/file", "/lib/relative", "/lib/absolute", "/lib/above", "/lib/directory/lib/file"} {
		file, err := elfdeps.Root(root).Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		content := make([]byte, 6)
		if _, err := file.Read(content); err != nil || string(content) != "inside" {
			t.Errorf("%s holds %q, %v", name, content, err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"/lib/escape", "/lib/loop", "/nothing"} {
		if file, err := elfdeps.Root(root).Open(name); err == nil {
			t.Errorf("%s could be opened, closing it: %v", name, file.Close())
		}
	}
}
