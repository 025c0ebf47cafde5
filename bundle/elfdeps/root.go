package elfdeps

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxLinks is how many symbolic links the kernel follows.
const maxLinks = 40

// Root is a directory with the files of packages. Paths are absolute in it, and so are links.
type Root string

// Open opens a file of the root, following links as if the root were /.
func (r Root) Open(name string) (*os.File, error) {
	resolved, err := r.resolve(name)
	if err != nil {
		return nil, err
	}
	return os.Open(filepath.Join(string(r), filepath.FromSlash(resolved)))
}

// resolve gives the path in the root behind all links, those of directories too.
func (r Root) resolve(name string) (string, error) {
	resolved, rest := "/", strings.TrimPrefix(path.Clean(name), "/")
	for links := 0; rest != ""; {
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		next := path.Join(resolved, first) // .. stops at the root
		target, err := os.Readlink(filepath.Join(string(r), filepath.FromSlash(next)))
		if err != nil {
			resolved = next // no link, or nothing at all, which opening it will tell
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
		}
		if path.IsAbs(target) {
			resolved = "/"
		}
		rest = strings.TrimPrefix(path.Join(target, rest), "/")
	}
	return resolved, nil
}
