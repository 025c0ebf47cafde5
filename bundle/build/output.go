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

// checkOutput refuses a directory that holds something else than a bundle: it would be replaced.
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
			What:     fmt.Sprintf("%s is not empty and no bundle: building would replace all that is in it", dir),
			HintText: "name a new or empty directory with --output",
			Err:      err,
		}
	}
	return nil
}

// manifest puts together what the entries of the cache say of themselves.
func (b *builder) manifest(jobs []job) (bundle.Manifest, error) {
	manifest := bundle.Manifest{
		SchemaVersion:     bundle.SchemaVersion,
		KubernetesVersion: b.Release.Kubernetes,
		Architecture:      "amd64",
		GoVersion:         b.tools.goVersion,
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

// readEntry gives what the manifest says of an entry of the cache.
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

// write puts the bundle together beside the output and has it take the output's place, unless that
// is the same bundle already.
func (b *builder) write(ctx context.Context, jobs []job, manifest []byte) (changed bool, err error) {
	output, err := filepath.Abs(b.Output)
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256([]byte(output))
	unlock, err := b.cache.lock(ctx, "output-"+shortHash(sum[:]))
	if err != nil {
		return false, err
	}
	defer unlock()
	if upToDate(ctx, output, manifest) {
		return false, nil
	}
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

// upToDate reports whether a directory is the very bundle, whole.
func upToDate(ctx context.Context, dir string, manifest []byte) bool {
	found, err := os.ReadFile(filepath.Join(dir, bundle.ManifestName))
	if err != nil || !bytes.Equal(found, manifest) {
		return false
	}
	bundleDir, err := bundle.Open(dir)
	return err == nil && bundleDir.Verify(ctx) == nil
}

// assemble copies the files; links would let a change of the bundle damage the cache.
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
	return os.WriteFile(filepath.Join(dir, bundle.ManifestName), manifest, 0o644)
}

// takePlace exchanges two directories in one step, so that there is a whole bundle at any time.
func takePlace(partial, output string) error {
	err := unix.Renameat2(unix.AT_FDCWD, partial, unix.AT_FDCWD, output, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.ENOENT) { // there is no old one
		return os.Rename(partial, output)
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(partial)
}

func outputError(dir string, err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return diskFull(err)
	}
	return fmt.Errorf("cannot write the bundle %s: %w", dir, err)
}

// diskFull says of an error what to do, where a full disk is behind it.
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
