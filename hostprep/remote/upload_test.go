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

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

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

// openHeld returns an Open whose content blocks at an offset until the channel is closed.
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

// count makes an upload count the bytes that are read from it.
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

// alone fails the test if there is anything else in the file's directory, as a leftover.
func alone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// After a broken connection, only what was in flight has to be sent again.
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
				return remotetest.Fault{CutAfter: size - 1<<19} // too little for sending everything again
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

// arrived waits until the partial upload has at least so many bytes, and no process writes to it any more.
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

// TestHostilePartsOfUploads tries content that another user left at the path of a partial upload: it is not trusted.
func TestHostilePartsOfUploads(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	host := connect(t, server)
	content := newBlob(t, 1<<20, false)
	upload := content.upload(server.Dir+"/opt/image", me(t), false)
	part := filepath.Join(server.Dir, "opt", ".image.dualstrap-"+upload.SHA256[:16]+".part")
	for name, there := range map[string]string{
		"other bytes": strings.Repeat("x", 1000), "too many": strings.Repeat("x", 2<<20), "nothing": "",
		"the beginning, changed": "x" + string(content.content[1:5000]), "all, changed": string(content.content[:1<<20-1]) + "x",
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.RemoveAll(upload.Path); err != nil {
				t.Fatal(err)
			}
			write(t, part, there)
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

// TestHostileUploads tries content that does not match its digest.
func TestHostileUploads(t *testing.T) {
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
