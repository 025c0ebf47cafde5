package tree_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/render"
	"github.com/dualstrap/dualstrap/render/tree"
)

// directory makes a directory with the given files and returns its path.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	from := fstest.MapFS{}
	for name, content := range files {
		from[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, from); err != nil {
		t.Fatal(err)
	}
	return dir
}

func rendered(host, path, content string, mode fs.FileMode) render.File {
	return render.File{Host: host, Path: path, Mode: mode, Content: []byte(content)}
}

// tree lists the files of a directory as MODE CONTENT, without the index.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() == "index.json" {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if entry.IsDir() {
			if name != "." {
				files[name+"/"] = ""
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		files[name] = info.Mode().String() + " " + string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "out")
	_, err := tree.Write(dir, []render.File{
		rendered("10.2.0.4", "/etc/a.conf", "a", 0o644),
		rendered("10.2.0.4", "/var/secret", "s", 0o600),
		rendered("", "00-namespace.yaml", "n", 0o644),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"10.2.0.4/":                 "",
		"10.2.0.4/etc/":             "",
		"10.2.0.4/etc/a.conf":       "-rw-r--r-- a",
		"10.2.0.4/var/":             "",
		"10.2.0.4/var/secret":       "-rw------- s",
		"cluster/":                  "",
		"cluster/00-namespace.yaml": "-rw-r--r-- n",
	}
	if diff := cmp.Diff(want, contents(t, dir)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestWriteBringsItsOwnDirUpToDate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(files ...render.File) {
		t.Helper()
		if _, err := tree.Write(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	write(rendered("10.2.0.4", "/etc/a", "1", 0o644), rendered("10.2.0.5", "/etc/deep/b", "1", 0o644))
	// What the user added stays, and so does its directory.
	if err := os.WriteFile(filepath.Join(dir, "10.2.0.5", "mine"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	write(rendered("10.2.0.4", "/etc/a", "2", 0o600))
	want := map[string]string{
		"10.2.0.4/":      "",
		"10.2.0.4/etc/":  "",
		"10.2.0.4/etc/a": "-rw------- 2",
		"10.2.0.5/":      "",
		"10.2.0.5/mine":  "-rw-r--r-- mine",
	}
	if diff := cmp.Diff(want, contents(t, dir)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestWriteGivesTheSameIndexTwice(t *testing.T) {
	t.Parallel()
	files := []render.File{rendered("10.2.0.4", "/etc/a", "1", 0o644), rendered("", "x.yaml", "2", 0o644)}
	var indexes [2]string
	for i := range indexes {
		dir := t.TempDir()
		if _, err := tree.Write(dir, files); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		indexes[i] = string(data)
	}
	if diff := cmp.Diff(indexes[0], indexes[1]); diff != "" {
		t.Errorf("index.json differs:\n%s", diff)
	}
}

func TestWriteTakesAnySpellingOfItsDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, spelling := range []string{dir + "/", dir + "//", dir + "/.", dir + "/new/../other/"} {
		if _, err := tree.Write(spelling, []render.File{rendered("", "a", "1", 0o644)}); err != nil {
			t.Errorf("%s: %v", spelling, err)
		}
	}
}

func TestWritePutsRightWhatAKilledRunLeft(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]map[string]string{
		"before the first index": {".render-1": "{"},
		"before a later index":   {".render-1": "{", "index.json": `{"files":[{"file":"cluster/a"}]}`},
		"in the middle of a file": {
			".render-1": "x", "cluster/a": "", "cluster/b": "old",
			"index.json": `{"files":[{"file":"cluster/a"},{"file":"cluster/b"}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := directory(t, left)
			if _, err := tree.Write(dir, []render.File{rendered("", "a", "1", 0o644)}); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"cluster/": "", "cluster/a": "-rw-r--r-- 1"}
			if diff := cmp.Diff(want, contents(t, dir)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
		})
	}
}
