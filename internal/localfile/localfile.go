// Package localfile reads files on this machine, such as those that manifests, flags and SSH configurations name.
package localfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Expand replaces a leading ~/ of a path with home, as shells do. It leaves ~user/ as it is.
func Expand(home, path string) string {
	if rest, isHome := strings.CutPrefix(path, "~/"); isHome {
		return filepath.Join(home, rest)
	}
	return path
}

// File is a file that is open for reading. Since it cannot be written to, an error of Close tells nothing to act on, and
// the linters do not require that it is checked.
type File interface {
	fs.File
	io.ReaderAt
	io.Seeker
}

// Open opens a file for reading. All errors are of type [fs.PathError].
func Open(path string) (File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Read returns the content of a file, with a leading ~/ in its path expanded. A file of more than limit bytes is an
// error, so that an endless device is rejected as well. All errors are of type [fs.PathError].
func Read(path string, limit int64) ([]byte, error) {
	if strings.HasPrefix(path, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		path = Expand(home, path)
	}
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	// One byte more than allowed tells a file of exactly limit bytes from a longer one.
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it has more than %d bytes", limit)}
	}
	if err != nil {
		return nil, err
	}
	return content, nil
}
