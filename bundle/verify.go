package bundle

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/bundle/oci"
)

// The kinds of flaws. They are part of the command's JSON output.
const (
	Missing = "missing"
	Damaged = "damaged"
	Extra   = "extra"
)

// Flaw describes a file that does not match the manifest.
type Flaw struct {
	// Path is relative to the bundle.
	Path string `json:"path"`
	// Flaw is one of Missing, Damaged and Extra.
	Flaw    string `json:"flaw"`
	Message string `json:"message"`
}

// FlawedError lists the files of a bundle that do not match the manifest.
type FlawedError struct {
	Dir   string
	Flaws []Flaw
}

// Error implements error.
func (e *FlawedError) Error() string {
	lines := []string{fmt.Sprintf("the bundle %s is damaged", e.Dir)}
	for _, flaw := range e.Flaws {
		lines = append(lines, fmt.Sprintf("    %s: %s: %s", flaw.Path, flaw.Flaw, flaw.Message))
	}
	return strings.Join(lines, "\n")
}

// Hint returns the remedy.
func (e *FlawedError) Hint() string {
	return "build it again with dualstrap bundle build --output " + e.Dir
}

// Verify reads every file. It returns a [FlawedError] if files are missing, damaged, or not listed in the manifest.
func (f *Dir) Verify(ctx context.Context) error {
	flaws := make([]*Flaw, len(f.Manifest.Files))
	group, ctx := errgroup.WithContext(ctx)
	// Computing digests is bound by the processors.
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range f.Manifest.Files {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			flaws[i] = f.inspect(file)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	found := &FlawedError{Dir: f.Dir}
	for _, flaw := range flaws {
		if flaw != nil {
			found.Flaws = append(found.Flaws, *flaw)
		}
	}
	extra, err := f.extra()
	if err != nil {
		return err
	}
	if found.Flaws = append(found.Flaws, extra...); len(found.Flaws) > 0 {
		return found
	}
	return nil
}

// inspect checks one file completely, both as it is stored and unpacked. It returns nil if there is no flaw.
func (f *Dir) inspect(file File) *Flaw {
	if flaw := f.flawOf(file, matches); flaw != nil {
		return flaw
	}
	if file.Image == nil {
		return nil
	}
	if err := f.matchesImage(file); err != nil {
		return &Flaw{Path: file.Path, Flaw: Damaged, Message: err.Error()}
	}
	return nil
}

// verifyStored checks one file as it is stored. Hosts check the unpacked content themselves.
func (f *Dir) verifyStored(file File) error {
	if flaw := f.flawOf(file, matchesStored); flaw != nil {
		return &FlawedError{Dir: f.Dir, Flaws: []Flaw{*flaw}}
	}
	return nil
}

// flawOf checks the size of a file, and its content with matches. It returns nil if there is no flaw.
func (f *Dir) flawOf(file File, matches func(io.Reader, File) error) *Flaw {
	content, size, err := openRegular(f.Dir, file.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Flaw{Path: file.Path, Flaw: Missing, Message: "there is no such file"}
	}
	if err == nil {
		defer content.Close()
		err = compareSize(size, file.Size)
	}
	if err == nil {
		err = matches(content, file)
	}
	if err != nil {
		return &Flaw{Path: file.Path, Flaw: Damaged, Message: err.Error()}
	}
	return nil
}

// matches compares the digest of a stored file and, if it is a compressed executable, that of the executable.
func matches(content io.Reader, file File) error {
	if file.Executable == nil {
		return matchesStored(content, file)
	}
	stored := sha256.New()
	all := io.TeeReader(content, stored)
	if err := unpack(io.Discard, all, *file.Executable); err != nil {
		return err
	}
	// gzip stops at the end of its data, but the digest covers the whole file.
	if _, err := io.Copy(io.Discard, all); err != nil {
		return err
	}
	return compareDigest(hex.EncodeToString(stored.Sum(nil)), file.SHA256)
}

// matchesStored compares the digest of a stored file.
func matchesStored(content io.Reader, file File) error {
	stored := sha256.New()
	// Reading one byte more than expected is enough to detect a file that has grown since its size was compared.
	if _, err := io.Copy(stored, io.LimitReader(content, file.Size+1)); err != nil {
		return err
	}
	return compareDigest(hex.EncodeToString(stored.Sum(nil)), file.SHA256)
}

// matchesImage compares the reference and the digest in an image's archive with the manifest.
func (f *Dir) matchesImage(file File) error {
	archive, err := oci.Open(f.path(file))
	if err != nil {
		return err
	}
	defer archive.Close()
	if archive.Reference != file.Image.Reference {
		return fmt.Errorf("its image is %q, not %s", archive.Reference, file.Image.Reference)
	}
	if archive.Digest != file.Image.Digest {
		return fmt.Errorf("its image's digest is %s, not %s", archive.Digest, file.Image.Digest)
	}
	return nil
}

// unpack decompresses an executable to w. It returns an error if size or digest differ from want.
func unpack(w io.Writer, compressed io.Reader, want Executable) error {
	plain, err := gzip.NewReader(compressed)
	if err != nil {
		return err
	}
	sum := sha256.New()
	// Reading one byte more than expected is enough to detect a longer file, and bounds what a decompression bomb can
	// write.
	size, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(plain, want.Size+1))
	if err != nil {
		return err
	}
	if size > want.Size {
		return fmt.Errorf("its executable has more than %d bytes", want.Size)
	}
	if size < want.Size {
		return fmt.Errorf("its executable has %d bytes, not %d", size, want.Size)
	}
	return compareDigest(hex.EncodeToString(sum.Sum(nil)), want.SHA256)
}

// compareSize returns an error if two sizes in bytes differ.
func compareSize(got, want int64) error {
	if got != want {
		return fmt.Errorf("it has %d bytes, not %d", got, want)
	}
	return nil
}

// compareDigest returns an error if two digests differ.
func compareDigest(got, want string) error {
	if got != want {
		return fmt.Errorf("its SHA-256 is %s, not %s", got, want)
	}
	return nil
}

// extra returns the files that the manifest does not list, except for the manifest and its signature.
func (f *Dir) extra() ([]Flaw, error) {
	var flaws []Flaw
	err := filepath.WalkDir(f.Dir, func(path string, entry fs.DirEntry, err error) error {
		// An extra directory without files does no harm.
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(f.Dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(relative)
		listed := slices.ContainsFunc(f.Manifest.Files, func(file File) bool { return file.Path == name })
		if !listed && name != ManifestName && name != SignatureName {
			flaws = append(flaws, Flaw{Path: name, Flaw: Extra, Message: ManifestName + " does not list it"})
		}
		return nil
	})
	return flaws, err
}
