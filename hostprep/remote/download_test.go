package remote_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// large is the size of a file that is larger than what can be on its way: while the first bytes are being written, the host
// has not read the last ones.
const large = 8 << 20

// randomFile writes a file of random bytes, and returns its path and its content.
func randomFile(t *testing.T, size int) (string, []byte) {
	t.Helper()
	content := make([]byte, size)
	rand.Read(content)
	return write(t, filepath.Join(t.TempDir(), "it's a $file"), string(content)), content
}

// onFirst is a writer that calls a function before it writes for the first time.
type onFirst struct {
	bytes.Buffer
	call func() error
}

func (w *onFirst) Write(data []byte) (int, error) {
	if w.Len() == 0 && w.call != nil {
		if err := w.call(); err != nil {
			return 0, err
		}
	}
	return w.Buffer.Write(data)
}

func TestDownload(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"dash", "bash"} {
		host := connect(t, remotetest.NewServer(t, remotetest.Options{Env: []string{shellPath(t, shell)}}))
		for _, size := range []int{0, 1, 100_000, large + 1} {
			t.Run(fmt.Sprint(shell, " ", size), func(t *testing.T) {
				t.Parallel()
				path, content := randomFile(t, size)
				link := filepath.Join(t.TempDir(), "link")
				if err := os.Symlink(path, link); err != nil {
					t.Fatal(err)
				}
				var to bytes.Buffer
				got, err := host.Download(bound(t), link, int64(size), &to)
				want := remote.Downloaded{Size: int64(size), SHA256: fmt.Sprintf("%x", sha256.Sum256(content))}
				if got != want || err != nil || !bytes.Equal(to.Bytes(), content) {
					t.Errorf("%+v, error %v; %d bytes were written", got, err, to.Len())
				}
			})
		}
	}
}

// TestHostileDownloads tries files that are missing, special or too large.
func TestHostileDownloads(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}))
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "file"), "0123456789")
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nothing", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		path  string
		limit int64
		says  string
	}{
		"missing":         {filepath.Join(dir, "missing"), 100, "file does not exist"},
		"a dangling link": {filepath.Join(dir, "dangling"), 100, "file does not exist"},
		"a directory":     {dir, 100, "is not a regular file"},
		"a FIFO":          {filepath.Join(dir, "fifo"), 100, "is not a regular file"},
		"a device":        {"/dev/zero", 100, "is not a regular file"},
		"too large":       {file, 9, "it has more bytes than the limit of 9: it has 10"},
		"no room at all":  {file, -1, "it has more bytes than the limit of -1: it has 10"},
		// Files in /proc have content, and the size 0.
		"a size that is not true": {"/proc/self/status", 1 << 20, "it has changed while it was read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var to bytes.Buffer
			got, err := host.Download(bound(t), test.path, test.limit, &to)
			says(t, err, "download ", test.path, test.says)
			if missing := strings.Contains(test.says, "exist"); errors.Is(err, fs.ErrNotExist) != missing || errors.Is(err, remote.ErrUnreachable) {
				t.Errorf("error %v", err)
			}
			if got != (remote.Downloaded{}) || int64(to.Len()) > max(test.limit, 0) {
				t.Errorf("%+v, %d bytes", got, to.Len())
			}
		})
	}
}

// TestHostileDownloadedContent tries hosts whose answers are not what the script sends: less, more, something else, or
// nothing.
func TestHostileDownloadedContent(t *testing.T) {
	t.Parallel()
	frame := func(name, output string) string { return "\nMARKER begin " + name + "\n" + output + "\nMARKER end 0\n" }
	abc := frame("digest", fmt.Sprintf("%x\n", sha256.Sum256([]byte("abc"))))
	const done = "\nMARKER done 0\n"
	changed := "it has changed while it was read"
	for name, test := range map[string]struct{ output, says string }{
		"interrupted":      {frame("size", "3") + abc + "\nMARKER begin content\nab", "exit status"},
		"a failing reader": {frame("size", "3") + abc + "\nMARKER begin content\nabc\nMARKER end 1\n" + done, "exit status 1"},
		"too short":        {frame("size", "3") + abc + frame("content", "ab") + done, changed},
		"too long":         {frame("size", "3") + abc + frame("content", "abcd") + done, changed},
		"other bytes":      {frame("size", "3") + abc + frame("content", "abd") + done, changed},
		"another size":     {frame("size", "4") + abc + frame("content", "abc") + done, changed},
		"no digest":        {frame("size", "3") + frame("content", "abc") + done, changed},
		"no content":       {frame("size", "3") + abc + done, changed},
		"no size":          {abc + frame("content", "abc") + done, "the host does not know its size"},
		"a size of words":  {frame("size", "three") + abc + frame("content", "abc") + done, "the host does not know its size"},
		"beyond the limit": {frame("size", "3") + abc + frame("content", strings.Repeat("abc", 1000)) + done, "more bytes than the limit of 10"},
		"twice":            {frame("size", "3") + abc + frame("content", "abc") + frame("content", "abc") + done, "answered twice"},
		"an endless rest":  {frame("size", "3") + frame("rest", strings.Repeat("x", 2<<20)) + done, "longer than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := connect(t, remotetest.NewServer(t, remotetest.Options{Command: remotetest.Says(test.output, remotetest.Exit{Status: 1})}))
			var to bytes.Buffer
			got, err := host.Download(bound(t), "/file", 10, &to)
			says(t, err, "download /file", test.says)
			if got != (remote.Downloaded{}) || to.Len() > 10 {
				t.Errorf("%+v, %d bytes", got, to.Len())
			}
		})
	}
}

// A file that changes while it is sent is not taken for either of its versions.
func TestDownloadNoticesChanges(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}))
	change := func(path string, at int64, text string) error {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = file.WriteAt([]byte(text), at)
		return errors.Join(err, file.Close())
	}
	for name, test := range map[string]struct {
		change func(path string) error
		same   bool // whether the old content arrives
	}{
		"overwritten": {change: func(path string) error { return change(path, large-1000, "changed") }},
		"longer":      {change: func(path string) error { return change(path, large, "x") }},
		"shorter":     {change: func(path string) error { return os.Truncate(path, large-1) }},
		"empty":       {change: func(path string) error { return os.Truncate(path, 0) }},
		// The host has the file open, so that it sends what it had before.
		"replaced": {same: true, change: func(path string) error {
			return errors.Join(os.WriteFile(path+".new", []byte("other"), 0o600), os.Rename(path+".new", path))
		}},
		"removed": {same: true, change: os.Remove},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, content := randomFile(t, large)
			to := &onFirst{call: func() error { return test.change(path) }}
			got, err := host.Download(bound(t), path, 2*large, to)
			if !test.same {
				says(t, err, "cannot download "+path, "it has changed while it was read")
			} else if err != nil || got.Size != large || !bytes.Equal(to.Bytes(), content) {
				t.Errorf("%+v, error %v", got, err)
			}
		})
	}
}

// A file that grows beyond the limit while it is sent does not exceed it.
func TestDownloadIsBounded(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}))
	path, _ := randomFile(t, large)
	to := &onFirst{call: func() error { return os.Truncate(path, 2*large) }}
	_, err := host.Download(bound(t), path, large, to)
	says(t, err, "download "+path, fmt.Sprintf("more bytes than the limit of %d", large))
	if to.Len() > large {
		t.Errorf("%d bytes were written", to.Len())
	}
}

// Whatever ends a download in its midst is reported, nothing is written afterwards, and the host can be used again.
func TestInterruptedDownloads(t *testing.T) {
	t.Parallel()
	const silent = "the network is silent"
	full := errors.New("disk full")
	for name, test := range map[string]struct {
		interrupt func(*remotetest.Server, context.CancelFunc) error
		want      error
	}{
		"the connection breaks": {func(s *remotetest.Server, _ context.CancelFunc) error { s.Cut(); return nil }, remote.ErrConnectionLost},
		silent:                  {func(s *remotetest.Server, _ context.CancelFunc) error { s.Stall(); return nil }, remote.ErrConnectionLost},
		"the context ends":      {func(_ *remotetest.Server, end context.CancelFunc) error { end(); return nil }, context.Canceled},
		"the disk is full":      {func(*remotetest.Server, context.CancelFunc) error { return full }, full},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := remotetest.NewServer(t, remotetest.Options{})
			hosts := pool(t, settingsOf(server, func(s *remote.Settings) {
				if name == silent {
					s.KeepAlive = time.Second
				}
			}))
			host, err := hosts.Host(bound(t), server.Addr().Addr())
			if err != nil {
				t.Fatal(err)
			}
			path, content := randomFile(t, large)
			ctx, end := context.WithCancel(bound(t))
			defer end()
			to := &onFirst{call: func() error { return test.interrupt(server, end) }}
			got, err := host.Download(ctx, path, large, to)
			written := to.Len()
			if !errors.Is(err, test.want) || got != (remote.Downloaded{}) || written >= large {
				t.Errorf("%+v of %d bytes, error %v", got, written, err)
			}
			if host, err = hosts.Host(bound(t), server.Addr().Addr()); err != nil {
				t.Fatal(err)
			}
			var again bytes.Buffer
			if _, err := host.Download(bound(t), path, large, &again); err != nil || !bytes.Equal(again.Bytes(), content) {
				t.Errorf("another try: %d bytes, error %v", again.Len(), err)
			}
			if to.Len() != written {
				t.Errorf("%d bytes were written after the end", to.Len()-written)
			}
		})
	}
}

// A writer that takes less than it is given, against its contract, does not make a file incomplete.
func TestDownloadToShortWriter(t *testing.T) {
	t.Parallel()
	host := connect(t, remotetest.NewServer(t, remotetest.Options{}))
	path, _ := randomFile(t, 100)
	short := writerFunc(func(data []byte) (int, error) { return len(data) - 1, nil })
	if _, err := host.Download(bound(t), path, 100, short); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v", err)
	}
}

// Content that arrives counts as progress, so that a download may take longer than any script. A host that stops sending is
// not waited for.
func TestContentIsProgress(t *testing.T) {
	t.Parallel()
	limits := func(s *remote.Settings) {
		s.Limits = remote.Limits{Read: time.Second, Change: 2 * time.Second, Total: 3 * time.Second}
	}
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		host := connect(t, remotetest.NewServer(t, remotetest.Options{}), limits)
		path, _ := randomFile(t, large)
		written := 0
		slow := writerFunc(func(data []byte) (int, error) {
			if (written+len(data))>>20 > written>>20 {
				time.Sleep(500 * time.Millisecond)
			}
			written += len(data)
			return len(data), nil
		})
		if got, err := host.Download(bound(t), path, large, slow); err != nil || got.Size != large {
			t.Errorf("%+v, error %v", got, err)
		}
	})
	t.Run("stops", func(t *testing.T) {
		t.Parallel()
		stops := remotetest.Hostile(remotetest.StopsInAnAnswer).Command(false)
		_, err := connect(t, remotetest.NewServer(t, remotetest.Options{Command: stops}), short).Download(bound(t), "/file", large, io.Discard)
		reason(t, err, remote.ErrTimeout)
		says(t, err, "it has shown no progress", `the beginning of its answer "content"`)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(data []byte) (int, error) { return f(data) }
