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

// fileStamp identifies a version of a file, to detect changes by other processes. The zero value is a missing file.
type fileStamp struct {
	size     int64
	modified time.Time
}

// stampOf returns the stamp of a file. A file that cannot be read counts as missing; reading it reports the error.
func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{size: info.Size(), modified: info.ModTime()}
}

// accept adds the key of an unknown host to the first file. While it holds the file's lock, it checks again whether the
// host is known, since other runs may have added it.
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
	defer func() { // it also releases the lock
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
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

// reload reads the files again if the first one has changed since this process last read or wrote it.
func (h *hostKeys) reload() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if stampOf(h.files[0]) == h.stamp {
		return nil
	}
	return h.load()
}

// appendLine appends a line with one write, on a line of its own even if the last line lacks its newline.
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
