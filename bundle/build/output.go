package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/bundle/oci"
)

// checkOutput returns an error if a directory contains anything other than a bundle, because the build would replace
// it.
func checkOutput(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return &Error{What: fmt.Sprintf("cannot use %s for a bundle: %v", dir, err), HintText: "name a new directory with --output", Err: err}
	}
	if _, err := bundle.Open(dir); err != nil {
		return &Error{
			What:     fmt.Sprintf("%s is not empty and not a bundle: building would replace its content", dir),
			HintText: "name a new or empty directory with --output",
			Err:      err,
		}
	}
	return nil
}

// manifest returns the bundle's manifest, assembled from the records in the cache.
func (b *builder) manifest(jobs []job) (bundle.Manifest, error) {
	manifest := bundle.Manifest{
		SchemaVersion:     bundle.SchemaVersion,
		KubernetesVersion: b.Release.Kubernetes,
		// findToolchain has checked that this machine is of that architecture.
		Architecture: "amd64",
		GoVersion:    b.tools.goVersion,
	}
	for _, j := range jobs {
		file, err := readEntry(b.cache.path(j.name, j.key))
		if err != nil {
			return manifest, fmt.Errorf("cannot read the cache's record of %s: %w", j.name, err)
		}
		manifest.Files = append(manifest.Files, file)
	}
	slices.SortFunc(manifest.Files, func(x, y bundle.File) int { return strings.Compare(x.Path, y.Path) })
	return manifest, nil
}

// readEntry returns the manifest's entry for a component in the cache. The digest of an image is read from its archive.
func readEntry(dir string) (bundle.File, error) {
	var file bundle.File
	data, err := os.ReadFile(filepath.Join(dir, recordName))
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err != nil || file.Image == nil {
		return file, err
	}
	archive, err := oci.Open(filepath.Join(dir, artefactName))
	if err != nil {
		return file, err
	}
	file.Image.Digest = archive.Digest
	return file, archive.Close()
}

// write assembles the bundle next to the output and then replaces the output, unless that is the same bundle already.
// It reports whether the output was changed.
func (b *builder) write(ctx context.Context, jobs []job, manifest []byte) (changed bool, err error) {
	output, err := filepath.Abs(b.Output)
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256([]byte(output))
	// Two builds with the same output would remove each other's partial directory.
	unlock, err := b.cache.lock(ctx, "output-"+shortHash(sum[:]))
	if err != nil {
		return false, err
	}
	defer unlock()
	if upToDate(ctx, output, manifest) {
		return false, nil
	}
	// Next to the output, because a rename does not cross file systems.
	partial := filepath.Join(filepath.Dir(output), "."+filepath.Base(output)+".partial")
	if err := os.RemoveAll(partial); err != nil {
		return false, err
	}
	err = b.assemble(ctx, jobs, partial, manifest)
	if err == nil {
		err = takePlace(partial, output)
	}
	if err != nil {
		return false, errors.Join(outputError(b.Output, err), os.RemoveAll(partial))
	}
	return true, nil
}

// upToDate reports whether a directory contains exactly this bundle, undamaged.
func upToDate(ctx context.Context, dir string, manifest []byte) bool {
	found, err := os.ReadFile(filepath.Join(dir, bundle.ManifestName))
	if err != nil || !bytes.Equal(found, manifest) {
		return false
	}
	bundleDir, err := bundle.Open(dir)
	return err == nil && bundleDir.Verify(ctx) == nil
}

// assemble writes the bundle to a directory. It copies files instead of linking them, so that damage to the bundle does
// not affect the cache.
func (b *builder) assemble(ctx context.Context, jobs []job, dir string, manifest []byte) error {
	for _, j := range jobs {
		if err := ctx.Err(); err != nil {
			return err
		}
		content, err := os.Open(filepath.Join(b.cache.path(j.name, j.key), artefactName))
		if err != nil {
			return err
		}
		err = writeFile(filepath.Join(dir, filepath.FromSlash(j.file())), 0o644, func(w io.Writer) error {
			_, err := io.Copy(w, content)
			return err
		})
		if err := errors.Join(err, content.Close()); err != nil {
			return err
		}
	}
	// Last, because the manifest makes the directory a bundle.
	return os.WriteFile(filepath.Join(dir, bundle.ManifestName), manifest, 0o644)
}

// takePlace replaces the output atomically, so that there is a complete bundle at any time. It exchanges the
// directories and then removes the old one.
func takePlace(partial, output string) error {
	err := unix.Renameat2(unix.AT_FDCWD, partial, unix.AT_FDCWD, output, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.ENOENT) { // the output does not exist yet
		return os.Rename(partial, output)
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(partial)
}

// outputError adds the path of the output to an error, or a hint if the disk is full.
func outputError(dir string, err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return diskFull(err)
	}
	return fmt.Errorf("cannot write the bundle %s: %w", dir, err)
}

// diskFull adds a hint to an error that is caused by a full disk. Other errors, and errors that have a hint already,
// are returned unchanged.
func diskFull(err error) error {
	var told *Error
	if !errors.Is(err, unix.ENOSPC) || errors.As(err, &told) {
		return err
	}
	return &Error{
		What:     "the disk is full: " + err.Error(),
		HintText: "make room and run the same command again: what was built is kept",
		Err:      err,
	}
}
