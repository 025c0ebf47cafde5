package bundle

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder is a bundle on disk.
type Folder struct {
	Dir      string
	Manifest Manifest
}

// NoBundleError is a folder that is no bundle, or one that cannot be read as such.
type NoBundleError struct {
	Dir string
	Err error
}

// Error implements error.
func (e *NoBundleError) Error() string {
	if errors.Is(e.Err, fs.ErrNotExist) {
		return fmt.Sprintf("%s is no bundle: it has no %s", e.Dir, ManifestName)
	}
	return fmt.Sprintf("cannot read the bundle %s: %s: %v", e.Dir, ManifestName, e.Err)
}

// Unwrap gives the cause.
func (e *NoBundleError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *NoBundleError) Hint() string {
	return "make one with dualstrap bundle build --output DIR"
}

// Open reads a bundle's manifest. Whether the files are there and whole is for [Folder.Verify].
func Open(dir string) (*Folder, error) {
	data, err := os.ReadFile(filepath.Join(dir, ManifestName))
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	if err != nil {
		return nil, &NoBundleError{Dir: dir, Err: err}
	}
	manifest, err := decode(data)
	if err != nil {
		return nil, &NoBundleError{Dir: dir, Err: err}
	}
	return &Folder{Dir: dir, Manifest: manifest}, nil
}

// path is where a file of the bundle is.
func (f *Folder) path(file File) string {
	return filepath.Join(f.Dir, filepath.FromSlash(file.Path))
}

// Open opens a file of the bundle as it lies there.
func (f *Folder) Open(file File) (io.ReadCloser, error) { return os.Open(f.path(file)) }
