package remote_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// files returns files like those of a render: small, many, in several directories.
func files(dir, owner string, n int) []remote.File {
	all := make([]remote.File, n)
	for i := range all {
		all[i] = remote.File{
			Path: fmt.Sprintf("%s/etc/part %d/it's %d.conf", dir, i%7, i), Mode: 0o644, Owner: owner,
			Content: bytes.Repeat([]byte(fmt.Sprintf("line of file %d\n", i)), i*10),
		}
	}
	return all
}

func TestWriteFiles(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	host := connect(t, server)
	all := files(server.Dir, me(t), 45)
	all[3].Mode, all[4].Content = 0o600, []byte("\x00\xff binary without a line end")
	var paths []string
	for _, file := range all {
		paths = append(paths, file.Path)
	}
	step := func(name string, want []string) {
		t.Helper()
		changed, err := host.WriteFiles(bound(t), all)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, changed); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, file := range all {
			info, err := os.Lstat(file.Path)
			if err != nil || info.Mode() != file.Mode {
				t.Errorf("%s: %s: %v, want mode %s: %v", name, file.Path, info, file.Mode, err)
			}
			if read(t, file.Path) != string(file.Content) {
				t.Errorf("%s: %s has other content", name, file.Path)
			}
		}
	}
	step("all are new", paths)
	step("none has changed", nil)

	all[7].Content = []byte("other")
	write(t, paths[9], "changed on the host")
	if err := os.Chmod(paths[11], 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(paths[13]); err != nil {
		t.Fatal(err)
	}
	other := write(t, filepath.Join(server.Dir, "other"), string(all[15].Content))
	if err := errors.Join(os.Remove(paths[15]), os.Symlink(other, paths[15])); err != nil {
		t.Fatal(err)
	}
	step("some have changed", []string{paths[7], paths[9], paths[11], paths[13], paths[15]})
	step("none has changed again", nil)
	left, err := filepath.Glob(server.Dir + "/etc/*/.*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWriteFilesIsAllOrNothing(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	host := connect(t, server)
	good := remote.File{Path: server.Dir + "/a", Mode: 0o644, Owner: me(t), Content: []byte("new")}
	write(t, good.Path, "old")
	dir := remote.File{Path: server.Dir + "/directory", Mode: 0o644, Owner: me(t)}
	if err := os.Mkdir(dir.Path, 0o755); err != nil {
		t.Fatal(err)
	}
	stranger := good
	stranger.Path, stranger.Owner = server.Dir+"/b", "no-such-user:no-such-group"
	tests := map[string]struct {
		bad  remote.File
		want string
	}{
		"a directory":      {dir, dir.Path + " is a directory"},
		"an unknown owner": {stranger, "no-such-user"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := host.WriteFiles(bound(t), []remote.File{good, test.bad})
			says(t, err, test.want)
			if got := read(t, good.Path); got != "old" {
				t.Errorf("%s was changed to %q", good.Path, got)
			}
			entries, err := filepath.Glob(server.Dir + "/.*")
			if err != nil || len(entries) > 0 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

// TestHostilePlacesOnHosts tries invalid paths, modes and owners.
func TestHostilePlacesOnHosts(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}))
	file := remote.File{Path: "/etc/x", Mode: 0o644}
	tests := map[string]func(*remote.File){
		"it is not the absolute path": func(f *remote.File) { f.Path = "etc/x" },
		"absolute path of a file":     func(f *remote.File) { f.Path = "/etc/../x" },
		"the absolute path of a file": func(f *remote.File) { f.Path = "/" },
		"cannot be seen":              func(f *remote.File) { f.Path = "/etc/a\nb" },
		"a backslash":                 func(f *remote.File) { f.Path = `/etc/a\b` },
		"only permission bits":        func(f *remote.File) { f.Mode = os.ModeSetuid | 0o755 },
		"USER:GROUP":                  func(f *remote.File) { f.Owner = "-R:root" },
	}
	for want, change := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			bad := file
			change(&bad)
			_, err := host.WriteFiles(bound(t), []remote.File{bad})
			says(t, err, want)
		})
	}
	t.Run("given twice", func(t *testing.T) {
		t.Parallel()
		_, err := host.WriteFiles(bound(t), []remote.File{file, file})
		says(t, err, "given twice")
	})
	t.Run("no digest", func(t *testing.T) {
		t.Parallel()
		_, err := host.Upload(bound(t), remote.Upload{Path: "/x", SHA256: "short"})
		says(t, err, "not a SHA-256 digest")
	})
}
