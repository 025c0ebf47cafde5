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
)

// What an entry of the cache for a component holds.
const (
	artefactName = "file"      // as it goes into the bundle
	recordName   = "file.json" // what the manifest says of it
)

// make fills the entry of a component.
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
	return errors.Join(os.WriteFile(filepath.Join(dir, recordName), data, 0o644), removeAll(work))
}

// obtain gives the path of a component's executable; empty where all is from packages.
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

// packExecutable writes a gzip without name and time: the same executable gives the same bytes.
func packExecutable(w io.Writer, executable string) error {
	content, err := os.Open(executable)
	if err != nil {
		return err
	}
	defer content.Close() //nolint:errcheck // nothing was written
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := io.Copy(compressed, content); err != nil {
		return err
	}
	return compressed.Close()
}

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
			image.Files = append(image.Files, oci.File{Path: name, Mode: 0o755, Open: opener(filepath.Join(string(root), name))})
		}
	}
	return oci.Write(w, image)
}

func opener(path string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return os.Open(path) }
}

// text is a file's content in memory.
type text struct{ *strings.Reader }

// Close implements io.Closer.
func (text) Close() error { return nil }

func textOpener(content string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return text{strings.NewReader(content)}, nil }
}

func digestOf(path string) (digest string, size int64, err error) {
	content, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer content.Close() //nolint:errcheck // nothing was written
	sum := sha256.New()
	size, err = io.Copy(sum, content)
	return hex.EncodeToString(sum.Sum(nil)), size, err
}

// writeFile writes a new file and the directories above it.
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

func removeAll(paths ...string) error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}
