package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/bundle/oci"
	"github.com/dualstrap/dualstrap/internal/localfile"
)

// The files of a component's entry in the cache.
const (
	artefactName = "file"      // the file of the bundle
	recordName   = "file.json" // the file's entry in the manifest
)

// make builds a component into its entry in the cache, the directory dir.
func (b *builder) make(ctx context.Context, c component, dir string) error {
	work := filepath.Join(dir, "work")
	if err := os.Mkdir(work, 0o755); err != nil {
		return err
	}
	executable, err := b.obtain(ctx, c, work)
	if err != nil {
		return err
	}
	record := bundle.File{Path: c.file(), Kind: c.kind, Name: c.name, Version: c.version, Roles: c.roles}
	pack := func(w io.Writer) error { return packExecutable(w, executable) }
	if c.kind == bundle.KindImage {
		record.Image = &bundle.Image{Reference: api.Image(c.name, c.version), Program: c.path}
		pack = func(w io.Writer) error { return b.packImage(ctx, w, c, executable) }
	} else {
		digest, size, err := digestOf(executable)
		if err != nil {
			return err
		}
		record.Executable = &bundle.Executable{Path: c.path, Mode: "0755", Size: size, SHA256: digest}
	}
	artefact := filepath.Join(dir, artefactName)
	if err := writeFile(artefact, 0o644, pack); err != nil {
		return fmt.Errorf("cannot write %s: %w", c.file(), err)
	}
	if record.SHA256, record.Size, err = digestOf(artefact); err != nil {
		return err
	}
	data, err := json.Marshal(record)
	if err != nil {
		return err
	}
	// Go's intermediate files are not worth their space in the cache.
	return errors.Join(os.WriteFile(filepath.Join(dir, recordName), data, 0o644), removeAll(work))
}

// obtain returns the path of a component's executable, or an empty string if all programs come from packages.
func (b *builder) obtain(ctx context.Context, c component, work string) (string, error) {
	switch c.program.origin {
	case fromPackages:
		return "", nil
	case fromSelf:
		return b.Self, nil
	}
	files, err := sources(c.program)
	if err != nil {
		return "", err
	}
	return compile(ctx, work, c.program, files)
}

// packExecutable compresses an executable. The gzip header has neither name nor time, so the same executable produces
// the same bytes.
func packExecutable(w io.Writer, executable string) error {
	content, err := localfile.Open(executable)
	if err != nil {
		return err
	}
	defer content.Close()
	// The best compression is worth its time: it is computed once, and the result is sent to every host.
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := io.Copy(compressed, content); err != nil {
		return err
	}
	return compressed.Close()
}

// packImage writes the archive of a component's image.
func (b *builder) packImage(ctx context.Context, w io.Writer, c component, executable string) error {
	image := oci.Image{
		Reference: api.Image(c.name, c.version), Entrypoint: []string{c.path}, User: c.user, Environment: c.environment(),
	}
	if executable != "" {
		image.Files = append(image.Files, oci.File{Path: c.path, Mode: 0o755, Open: opener(executable)})
	}
	for _, file := range c.files {
		image.Files = append(image.Files, oci.File{Path: file.path, Mode: 0o644, Open: textOpener(file.content)})
	}
	if len(c.packaged) > 0 {
		root, err := b.packagedRoot(ctx)
		if err != nil {
			return err
		}
		names, err := closureOf(root, c)
		if err != nil {
			return err
		}
		for _, name := range names {
			// Libraries get the mode of programs, because packagedRoot does not distinguish them.
			image.Files = append(image.Files, oci.File{Path: name, Mode: 0o755, Open: opener(filepath.Join(string(root), name))})
		}
	}
	return oci.Write(w, image)
}

// opener returns a function that opens a file on this machine.
func opener(path string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return localfile.Open(path) }
}

// text is an in-memory file. The embedded reader can seek, which oci requires.
type text struct{ *strings.Reader }

// Close implements io.Closer.
func (text) Close() error { return nil }

// textOpener returns a function that opens a text as a file.
func textOpener(content string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return text{strings.NewReader(content)}, nil }
}

// digestOf returns the SHA-256 of a file in hexadecimal, and its size in bytes.
func digestOf(path string) (digest string, size int64, err error) {
	content, err := localfile.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer content.Close()
	sum := sha256.New()
	size, err = io.Copy(sum, content)
	return hex.EncodeToString(sum.Sum(nil)), size, err
}

// writeFile writes a file and creates its parent directories.
func writeFile(path string, mode os.FileMode, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// removeAll removes paths and everything below them.
func removeAll(paths ...string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}
