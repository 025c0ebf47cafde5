package remote_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// files is how a host's files look after a render: small, many, in several folders.
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
	folder := remote.File{Path: server.Dir + "/folder", Mode: 0o644, Owner: me(t)}
	if err := os.Mkdir(folder.Path, 0o755); err != nil {
		t.Fatal(err)
	}
	stranger := good
	stranger.Path, stranger.Owner = server.Dir+"/b", "no-such-user:no-such-group"
	tests := map[string]struct {
		bad  remote.File
		want string
	}{
		"a folder":         {folder, folder.Path + " is a folder"},
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

func TestPlacesThatAreRefused(t *testing.T) {
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
		bad := file
		change(&bad)
		_, err := host.WriteFiles(bound(t), []remote.File{bad})
		says(t, err, want)
	}
	_, err := host.WriteFiles(bound(t), []remote.File{file, file})
	says(t, err, "given twice")
	_, err = host.Upload(bound(t), remote.Upload{Path: "/x", SHA256: "short"})
	says(t, err, "not a SHA-256 digest")
}

// blob is random content to upload.
type blob struct {
	content []byte
	sent    []byte
	opened  int
}

func newBlob(t *testing.T, size int, compressed bool) *blob {
	t.Helper()
	b := &blob{content: make([]byte, size)}
	rand.Read(b.content)
	b.sent = b.content
	if compressed {
		var out bytes.Buffer
		writer := gzip.NewWriter(&out)
		if _, err := writer.Write(b.content); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		b.sent = out.Bytes()
	}
	return b
}

func (b *blob) upload(path, owner string, compressed bool) remote.Upload {
	return remote.Upload{
		Path: path, Mode: 0o755, Owner: owner, SHA256: fmt.Sprintf("%x", sha256.Sum256(b.content)), Gzip: compressed,
		Open: func() (io.ReadCloser, error) {
			b.opened++
			return io.NopCloser(bytes.NewReader(b.sent)), nil
		},
		Size: int64(len(b.sent)),
	}
}

// openHeld is an Open whose content comes to a halt until the channel is closed.
func (b *blob) openHeld(at int, until <-chan struct{}) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		b.opened++
		rest := bytes.NewReader(b.sent[at:])
		return io.NopCloser(io.MultiReader(bytes.NewReader(b.sent[:at]), readerFunc(func(data []byte) (int, error) {
			<-until
			return rest.Read(data)
		}))), nil
	}
}

// count makes an upload count the bytes that are read of it.
func (b *blob) count(upload *remote.Upload) *int {
	read, open := new(int), upload.Open
	upload.Open = func() (io.ReadCloser, error) {
		content, err := open()
		return io.NopCloser(readerFunc(func(data []byte) (int, error) {
			n, err := content.Read(data)
			*read += n
			return n, err
		})), err
	}
	return read
}

func TestUpload(t *testing.T) {
	t.Parallel()
	for name, compressed := range map[string]bool{"plain": false, "gzip": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := remotetest.NewServer(t, remotetest.Options{})
			host := connect(t, server)
			content := newBlob(t, 1<<20, compressed)
			upload := content.upload(server.Dir+"/opt/bin/a tool", me(t), compressed)
			for _, want := range []bool{true, false} {
				changed, err := host.Upload(bound(t), upload)
				if err != nil || changed != want {
					t.Fatalf("changed %t, error %v; want %t", changed, err, want)
				}
			}
			info, err := os.Stat(upload.Path)
			if err != nil || info.Mode() != 0o755 || read(t, upload.Path) != string(content.content) {
				t.Errorf("%v, %v, or other content", info, err)
			}
			if err := os.Chmod(upload.Path, 0o700); err != nil {
				t.Fatal(err)
			}
			if changed, err := host.Upload(bound(t), upload); err != nil || !changed {
				t.Errorf("changed %t, error %v with another mode", changed, err)
			}
			alone(t, upload.Path)
		})
	}
}

// alone fails the test when there is anything else in the file's folder.
func alone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// A cut connection costs what was under way, not what had arrived.
func TestUploadResumes(t *testing.T) {
	t.Parallel()
	for name, compressed := range map[string]bool{"plain": false, "gzip": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const size, cut = 2 << 20, 3 << 19
			server := remotetest.NewServer(t, remotetest.Options{Fault: func(n int) remotetest.Fault {
				if n == 1 {
					return remotetest.Fault{CutAfter: cut}
				}
				return remotetest.Fault{CutAfter: size - 1<<19} // not enough to send all of it again
			}})
			hosts := pool(t, server.Settings())
			content := newBlob(t, size, compressed)
			upload := content.upload(server.Dir+"/opt/image", me(t), compressed)
			host, err := hosts.Host(bound(t), server.Addr().Addr())
			if err != nil {
				t.Fatal(err)
			}
			_, err = host.Upload(bound(t), upload)
			if !errors.Is(err, remote.ErrConnectionLost) {
				t.Fatalf("error %v", err)
			}
			if _, err := os.Stat(upload.Path); !os.IsNotExist(err) {
				t.Errorf("a part stands for the whole: %v", err)
			}
			arrived(t, server, upload.Path, cut/2)
			if host, err = hosts.Host(bound(t), server.Addr().Addr()); err != nil {
				t.Fatal(err)
			}
			if changed, err := host.Upload(bound(t), upload); err != nil || !changed {
				t.Fatalf("changed %t, error %v", changed, err)
			}
			if read(t, upload.Path) != string(content.content) {
				t.Error("other content")
			}
			alone(t, upload.Path)
		})
	}
}

// arrived waits until a part of an upload has so many bytes, and what wrote them has ended.
func arrived(t *testing.T, server *remotetest.Server, path string, least int64) {
	t.Helper()
	for ctx := bound(t); ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		parts, err := filepath.Glob(filepath.Dir(path) + "/.*.part")
		if err != nil || len(parts) != 1 {
			continue
		}
		info, err := os.Stat(parts[0])
		if err == nil && info.Size() >= least && server.Sessions() == 0 {
			return
		}
	}
	t.Fatalf("not %d bytes of %s arrived", least, path)
}

func TestUploadDoesNotTrustWhatIsThere(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	host := connect(t, server)
	content := newBlob(t, 1<<20, false)
	upload := content.upload(server.Dir+"/opt/image", me(t), false)
	part := filepath.Join(server.Dir, "opt", ".image.dualstrap-"+upload.SHA256[:16]+".part")
	for name, there := range map[string]string{
		"other bytes": strings.Repeat("x", 1000), "too many": strings.Repeat("x", 2<<20), "nothing": "",
		"the beginning": string(content.content[:5000]), "all": string(content.content),
	} {
		os.Remove(upload.Path) //nolint:errcheck // there may be none
		write(t, part, there)
		if changed, err := host.Upload(bound(t), upload); err != nil || !changed {
			t.Fatalf("%s: changed %t, error %v", name, changed, err)
		}
		if read(t, upload.Path) != string(content.content) {
			t.Errorf("%s: other content", name)
		}
		alone(t, upload.Path)
	}
}

func TestUploadOfSomethingElse(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	host := connect(t, server)
	for name, change := range map[string]func(*blob){
		"other bytes": func(b *blob) { b.sent = bytes.Repeat([]byte("x"), len(b.content)) },
		"too short":   func(b *blob) { b.sent = b.sent[:1000] },
		"too long":    func(b *blob) { b.sent = append(b.sent, "and more"...) },
	} {
		t.Run(name, func(t *testing.T) {
			content := newBlob(t, 100_000, false)
			upload := content.upload(server.Dir+"/image", me(t), false)
			change(content)
			_, err := host.Upload(bound(t), upload)
			var failed *remote.CommandError
			if !errors.As(err, &failed) {
				t.Errorf("error %v", err)
			}
			if _, err := os.Stat(upload.Path); !os.IsNotExist(err) {
				t.Errorf("it is there: %v", err)
			}
		})
	}
}
