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

// Dir is a bundle in a directory.
type Dir struct {
	Dir      string
	Manifest Manifest
	// SHA256 is the digest of manifest.json in hexadecimal. It identifies the whole bundle, because the manifest has
	// the digests of all other files.
	SHA256 string

	// encoded is the content of manifest.json, the message that a signature covers.
	encoded []byte
	// stored has a function for each file, by path. It verifies the stored file on its first call and caches the
	// result.
	stored map[string]func() error
}

// NoBundleError reports that a directory is not a bundle, or that its manifest cannot be read.
type NoBundleError struct {
	Dir string
	Err error
}

// Error implements error.
func (e *NoBundleError) Error() string {
	if errors.Is(e.Err, fs.ErrNotExist) {
		return fmt.Sprintf("%s is not a bundle: it has no %s", e.Dir, ManifestName)
	}
	return fmt.Sprintf("cannot read the bundle %s: %s: %v", e.Dir, ManifestName, e.Err)
}

// Unwrap returns the cause.
func (e *NoBundleError) Unwrap() error { return e.Err }

// Hint returns the remedy.
func (e *NoBundleError) Hint() string {
	return "make one with dualstrap bundle build --output DIR"
}

// Open reads a bundle's manifest. It does not check the other files: [Dir.Verify] checks all of them, and [Dir.Open]
// those that are used.
func Open(dir string) (*Dir, error) {
	data, err := readBounded(dir, ManifestName, maxManifestBytes)
	if err != nil {
		return nil, &NoBundleError{Dir: dir, Err: err}
	}
	manifest, err := decode(data)
	if err != nil {
		return nil, &NoBundleError{Dir: dir, Err: err}
	}
	// The digest is that of the bytes that were decoded, so the file cannot change in between.
	sum := sha256.Sum256(data)
	bundleDir := &Dir{
		Dir: dir, Manifest: manifest, SHA256: hex.EncodeToString(sum[:]), encoded: data, stored: map[string]func() error{},
	}
	for _, file := range manifest.Files {
		// Files are uploaded to many hosts, but are read for verification only once.
		bundleDir.stored[file.Path] = sync.OnceValue(func() error { return bundleDir.verifyStored(file) })
	}
	return bundleDir, nil
}

// path returns the path of a file of the bundle.
func (f *Dir) path(file File) string {
	return filepath.Join(f.Dir, filepath.FromSlash(file.Path))
}

// Open opens a file of the bundle, as it is stored. The first call for a file reads it completely, and returns a
// [FlawedError] unless size and digest match the manifest. Later changes of the file are not detected: the receiver of
// the content has to compare the digest again, as hosts do.
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

// openRegular opens a regular file below a directory and returns its size in bytes. It refuses anything else: a
// symbolic link could lead out of the directory, and opening a pipe could block.
func openRegular(dir, name string) (fs.File, int64, error) {
	// OpenRoot would block on a pipe until another process opens it for writing.
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, 0, syscall.ENOTDIR
	}
	// A Root also refuses parent directories that are links out of the bundle.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, 0, cause(err)
	}
	defer root.Close()
	info, err := root.Lstat(filepath.FromSlash(name))
	if err != nil {
		return nil, 0, cause(err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("it is not a regular file")
	}
	content, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, 0, cause(err)
	}
	return content, info.Size(), nil
}

// readBounded returns the content of a file below a directory. It refuses files of more than most bytes.
func readBounded(dir, name string, most int64) ([]byte, error) {
	content, size, err := openRegular(dir, name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	if size > most {
		return nil, fmt.Errorf("it has %d bytes, at most %d are allowed", size, most)
	}
	return io.ReadAll(io.LimitReader(content, most))
}

// cause strips the path from an error, because the caller's message names it already.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
