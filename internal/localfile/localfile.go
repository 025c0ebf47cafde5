// Package localfile reads files of this machine that manifests, flags and SSH configurations name.
package localfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Expand replaces ~/ at the beginning of a path by a home, as shells do. ~user/ stays.
func Expand(home, path string) string {
	if rest, isHome := strings.CutPrefix(path, "~/"); isHome {
		return filepath.Join(home, rest)
	}
	return path
}

// Read reads a file of at most so many bytes; ~/ is the user's home. A longer one, as a device that does not end, is an
// [fs.PathError], as everything is that the system says.
func Read(path string, most int64) ([]byte, error) {
	if strings.HasPrefix(path, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		path = Expand(home, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(content)) > most {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it has more than %d bytes", most)}
	}
	if err != nil {
		return nil, err
	}
	return content, nil
}
