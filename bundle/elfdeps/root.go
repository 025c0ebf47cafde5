package elfdeps

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/dualstrap/dualstrap/internal/localfile"
)

// maxLinks is the number of symbolic links that the kernel follows in one path.
const maxLinks = 40

// Root is a directory with the files of packages. Paths in it, and targets of its symbolic links, are relative to the
// root.
type Root string

// Open opens a file of the root. It follows symbolic links as if the root were /.
func (r Root) Open(name string) (localfile.File, error) {
	resolved, err := r.resolve(name)
	if err != nil {
		return nil, err
	}
	return localfile.Open(filepath.Join(string(r), filepath.FromSlash(resolved)))
}

// resolve returns the path in the root after following all symbolic links, including those of directories. The path may
// not exist.
func (r Root) resolve(name string) (string, error) {
	resolved, rest := "/", strings.TrimPrefix(path.Clean(name), "/")
	for links := 0; rest != ""; {
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		next := path.Join(resolved, first) // path.Join keeps .. inside the root
		target, err := os.Readlink(filepath.Join(string(r), filepath.FromSlash(next)))
		if err != nil {
			resolved = next // not a link, or missing, which the caller's open reports
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
		}
		// An absolute target starts again at the root, not at this machine's /.
		if path.IsAbs(target) {
			resolved = "/"
		}
		rest = strings.TrimPrefix(path.Join(target, rest), "/")
	}
	return resolved, nil
}
