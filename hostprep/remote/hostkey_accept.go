package remote

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// fileStamp tells whether somebody else has written a file.
type fileStamp struct {
	size     int64
	modified time.Time
}

func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{size: info.Size(), modified: info.ModTime()}
}

// accept adds an unknown host's key to the first of the files. Under the file's lock it looks again
// whether the host has become known, since other runs may write the same file.
func (h *hostKeys) accept(name string, shown ssh.PublicKey) (err error) {
	path := h.files[0]
	defer func() {
		if err != nil && !errors.Is(err, ErrUnreachable) {
			err = fmt.Errorf("cannot add the key of %s to known hosts: %w", knownhosts.Normalize(name), err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // also gives up the lock; what was written is synced
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if err := h.reload(); err != nil {
		return err
	}
	if err := h.check(name, h.entries(name), shown); !errors.Is(err, ErrHostKeyUnknown) {
		return err
	}
	if err := appendLine(file, knownhosts.Line([]string{name}, shown)); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.added[name], h.stamp = shown, stampOf(path)
	return nil
}

// reload reads the files again when they are not as this program left them.
func (h *hostKeys) reload() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if stampOf(h.files[0]) == h.stamp {
		return nil
	}
	return h.load()
}

// appendLine adds a line in one write, after the end of the last line even where that has no line end.
func appendLine(file *os.File, line string) error {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size > 0 {
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = "\n" + line
		}
	}
	if _, err := file.WriteString(line + "\n"); err != nil {
		return err
	}
	return file.Sync()
}
