package tree_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/render"
	"github.com/dualstrap/dualstrap/render/tree"
)

// TestHostileOutputDirs tries directories to render into that hold other files, that links lead out of, or that are
// being written. Nothing changes, in them and beside them.
func TestHostileOutputDirs(t *testing.T) {
	t.Parallel()
	const noIndex = "its index.json is not one that dualstrap wrote"
	own := map[string]string{"out/index.json": `{"files":[{"file":"10.2.0.4/etc/old"}]}`, "victim/old": "keep"}
	for name, test := range map[string]struct {
		files map[string]string
		dirs  []string
		link  [2]string // from, to
		want  string
	}{
		"other files": {
			files: map[string]string{"out/photo.jpg": "x"}, want: "it holds other files, like photo.jpg; name a new or empty directory",
		},
		"a broken index": {files: map[string]string{"out/index.json": "{"}, want: noIndex + "; name a new or empty directory"},
		"another index":  {files: map[string]string{"out/index.json": `{"name": "web"}`}, want: noIndex},
		"no index":       {files: map[string]string{"out/index.json": "null"}, want: noIndex},
		"a link in it":   {files: own, dirs: []string{"out/10.2.0.4"}, link: [2]string{"out/10.2.0.4/etc", "../../victim"}, want: "etc"},
		"a host's link":  {files: own, link: [2]string{"out/10.2.0.4", "../victim"}, want: "10.2.0.4"},
		"a file":         {files: map[string]string{"out": "keep"}, want: "out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := directory(t, test.files)
			for _, made := range test.dirs {
				if err := os.Mkdir(filepath.Join(dir, made), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if test.link[0] != "" {
				if err := os.Symlink(test.link[1], filepath.Join(dir, test.link[0])); err != nil {
					t.Fatal(err)
				}
			}
			isLeftAlone(t, dir, test.want)
		})
	}
	t.Run("being written", func(t *testing.T) {
		t.Parallel()
		dir := directory(t, map[string]string{"out/index.json": `{"files":[]}`})
		other, err := os.Open(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = other.Close() })
		if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		isLeftAlone(t, dir, "another dualstrap is writing to it")
	})
}

// isLeftAlone renders into the directory out, and fails the test unless that is refused and everything is unchanged, except
// for the index of a directory of dualstrap's, which is written before the files that it lists.
func isLeftAlone(t *testing.T, dir, want string) {
	t.Helper()
	for _, files := range [][]render.File{{rendered("10.2.0.4", "/etc/a", "1", 0o644)}, nil} {
		before := whole(t, dir)
		_, err := tree.Write(filepath.Join(dir, "out"), files)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to say %q", err, want)
		}
		if diff := cmp.Diff(before, whole(t, dir)); diff != "" {
			t.Errorf("something changed (-before +after):\n%s", diff)
		}
	}
}

// whole lists a directory with everything in it, without following links.
func whole(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			var content []byte
			content, err = os.ReadFile(path)
			if all[path] = string(content); strings.Contains(all[path], `"files"`) {
				all[path] = "index"
			}
		} else if err == nil {
			all[path] = entry.Type().String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestHostileOutputIndexes tries an index.json that lists what is not in its directory: nothing outside is removed.
func TestHostileOutputIndexes(t *testing.T) {
	t.Parallel()
	for _, listed := range []string{"../keep", "ABOVE/keep", "a/../../keep", "..", "../out/../keep", "link/keep"} {
		t.Run(strconv.Quote(listed), func(t *testing.T) {
			t.Parallel()
			dir := directory(t, map[string]string{"keep": "keep"})
			out := filepath.Join(dir, "out")
			if err := os.Mkdir(out, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("..", filepath.Join(out, "link")); err != nil {
				t.Fatal(err)
			}
			index := strings.Replace(`{"files":[{"file":"`+listed+`"}]}`, "ABOVE", dir, 1)
			if err := os.WriteFile(filepath.Join(out, "index.json"), []byte(index), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := tree.Write(out, nil)
			if content, failed := os.ReadFile(filepath.Join(dir, "keep")); failed != nil || string(content) != "keep" {
				t.Errorf("%q, %v; the error was %v", content, failed, err)
			}
		})
	}
}
