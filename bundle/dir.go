package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Dir is a bundle on disk.
type Dir struct {
	Dir      string
	Manifest Manifest
	// SHA256 is the digest of manifest.json in hexadecimal. It stands for the whole bundle: the manifest has the
	// digests of all other files.
	SHA256 string

	// encoded is what manifest.json holds.
	encoded []byte
	// stored has a function for each file, by path, that verifies it the first time it is called.
	stored map[string]func() error
}

// NoBundleError is a directory that is no bundle, or one that cannot be read as such.
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

// Open reads a bundle's manifest. Whether the files are there and whole is for [Dir.Verify], and for
// [Dir.Open] for those that are used.
func Open(dir string) (*Dir, error) {
	data, err := readBounded(dir, ManifestName, maxManifestBytes)
	if err != nil {
		return nil, &NoBundleError{Dir: dir, Err: err}
	}
	manifest, err := decode(data)
	if err != nil {
		return nil, &NoBundleError{Dir: dir, Err: err}
	}
	sum := sha256.Sum256(data)
	bundleDir := &Dir{
		Dir: dir, Manifest: manifest, SHA256: hex.EncodeToString(sum[:]), encoded: data, stored: map[string]func() error{},
	}
	for _, file := range manifest.Files {
		bundleDir.stored[file.Path] = sync.OnceValue(func() error { return bundleDir.verifyStored(file) })
	}
	return bundleDir, nil
}

// path is where a file of the bundle is.
func (f *Dir) path(file File) string {
	return filepath.Join(f.Dir, filepath.FromSlash(file.Path))
}

// Open opens a file of the bundle as it lies there. The first time it reads the whole file, and returns a
// [FlawedError] unless its size and its digest are those of the manifest. What is written to the file afterwards it
// does not see: whoever the content is sent to has to compare the digest again, as hosts do.
func (f *Dir) Open(file File) (io.ReadCloser, error) {
	verify, listed := f.stored[file.Path]
	if !listed {
		return nil, fmt.Errorf("the bundle %s does not list %q", f.Dir, file.Path)
	}
	if err := verify(); err != nil {
		return nil, err
	}
	content, _, err := openRegular(f.Dir, file.Path)
	if err != nil {
		return nil, err
	}
	return content, nil
}

// openRegular opens a file below a directory, and nothing else: no link leads out, and no pipe keeps it waiting.
func openRegular(dir, name string) (*os.File, int64, error) {
	// A pipe would be waited for until somebody writes to it.
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, 0, syscall.ENOTDIR
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, 0, cause(err)
	}
	defer root.Close() //nolint:errcheck // nothing was written
	info, err := root.Lstat(filepath.FromSlash(name))
	if err != nil {
		return nil, 0, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("it is no regular file")
	}
	content, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, 0, cause(err)
	}
	return content, info.Size(), nil
}

// readBounded reads a small file below a directory.
func readBounded(dir, name string, most int64) ([]byte, error) {
	content, size, err := openRegular(dir, name)
	if err != nil {
		return nil, err
	}
	defer content.Close() //nolint:errcheck // nothing was written
	if size > most {
		return nil, fmt.Errorf("it has %d bytes, at most %d are allowed", size, most)
	}
	return io.ReadAll(io.LimitReader(content, most))
}

// cause leaves out the path, which whoever reports the error names.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
