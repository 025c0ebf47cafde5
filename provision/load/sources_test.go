package load_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/provision/load"
)

// directory makes a directory with the given files and returns its path.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadSources(t *testing.T) {
	t.Parallel()
	dir := directory(t, map[string]string{
		"b.yaml": "b", "a.yml": "a", "C.YAML": "c", "notes.txt": "no", "sub/d.yaml": "no",
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	tests := map[string]struct {
		paths []string
		want  []string // NAME=CONTENT
	}{
		"a file":                           {[]string{in("b.yaml")}, []string{in("b.yaml") + "=b"}},
		"a file of any name":               {[]string{in("notes.txt")}, []string{in("notes.txt") + "=no"}},
		"a directory, by name, not deeper": {[]string{dir}, []string{in("C.YAML") + "=c", in("a.yml") + "=a", in("b.yaml") + "=b"}},
		"standard input":                   {[]string{"-"}, []string{"-=stdin"}},
		"in the order given":               {[]string{in("b.yaml"), "-"}, []string{in("b.yaml") + "=b", "-=stdin"}},
		"a file and its directory":         {[]string{in("b.yaml"), dir}, []string{in("b.yaml") + "=b", in("C.YAML") + "=c", in("a.yml") + "=a"}},
		"twice, spelled differently":       {[]string{in("b.yaml"), in("./sub/../b.yaml")}, []string{in("b.yaml") + "=b"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sources, err := load.ReadSources(test.paths, strings.NewReader("stdin"))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, source := range sources {
				got = append(got, source.Name+"="+string(source.Data))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadSourcesReportsEveryPath(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	_, err := load.ReadSources([]string{"/does/not/exist.yaml", empty}, nil)
	want := "cannot read manifests from /does/not/exist.yaml: no such file or directory\n" +
		"cannot read manifests: the directory " + empty + " has no *.yaml or *.yml file"
	if err == nil || err.Error() != want {
		t.Errorf("error:\n%v\nwant:\n%s", err, want)
	}
}

func TestReadSourcesPassesOverPipesInDirs(t *testing.T) {
	t.Parallel()
	dir := directory(t, map[string]string{"a.yaml": "a"})
	if err := syscall.Mkfifo(filepath.Join(dir, "b.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	sources, err := load.ReadSources([]string{dir}, nil)
	if err != nil || len(sources) != 1 {
		t.Errorf("%d sources, error %v", len(sources), err)
	}
}
