package bundle

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dualstrap/dualstrap/bundle/elfdeps"
	"github.com/dualstrap/dualstrap/bundle/oci"
)

// errFound ends a walk through an image.
var errFound = errors.New("found")

// UnknownProgramError is a program that a bundle does not hold.
type UnknownProgramError struct {
	Name  string
	Dir   string
	Known []string
}

// Error implements error.
func (e *UnknownProgramError) Error() string {
	return fmt.Sprintf("the bundle %s has no program %s", e.Dir, e.Name)
}

// Hint says what to do.
func (e *UnknownProgramError) Hint() string { return "it has " + strings.Join(e.Known, ", ") }

// Extract writes a program of the bundle, from bin or from the image of its name, into a directory.
func (f *Dir) Extract(name, dir string) error {
	var known []string
	for _, file := range f.Manifest.Files {
		// It becomes a file in the directory that is asked for, whoever made the manifest.
		if file.Name == name && isName(name) {
			return f.extract(file, filepath.Join(dir, name))
		}
		known = append(known, file.Name)
	}
	return &UnknownProgramError{Name: name, Dir: f.Dir, Known: known}
}

func (f *Dir) extract(file File, target string) error {
	if flaw := f.inspect(file); flaw != nil {
		return &FlawedError{Dir: f.Dir, Flaws: []Flaw{*flaw}}
	}
	write := func(w io.Writer) error { return f.writeExecutable(w, file) }
	if file.Kind == KindImage {
		write = func(w io.Writer) error { return f.writeFromImage(w, file) }
	}
	if err := replace(target, write); err != nil {
		return fmt.Errorf("cannot extract %s to %s: %w", file.Name, target, err)
	}
	return nil
}

func (f *Dir) writeExecutable(w io.Writer, file File) error {
	content, _, err := openRegular(f.Dir, file.Path)
	if err != nil {
		return err
	}
	defer content.Close() //nolint:errcheck // nothing was written
	return unpack(w, content, *file.Executable)
}

func (f *Dir) writeFromImage(w io.Writer, file File) error {
	archive, err := oci.Open(f.path(file))
	if err != nil {
		return err
	}
	defer archive.Close() //nolint:errcheck // nothing was written
	err = archive.Walk(func(header *tar.Header, content io.Reader) error {
		if "/"+header.Name != file.Image.Program {
			return nil
		}
		if header.Size > maxExecutableBytes {
			return fmt.Errorf("%s has %d bytes, at most %d are allowed", file.Image.Program, header.Size, maxExecutableBytes)
		}
		if _, err := io.Copy(w, content); err != nil {
			return err
		}
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("image %s has no %s", file.Image.Reference, file.Image.Program)
}

// replace writes an executable file so that whoever runs it never meets half of one.
func replace(target string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	partial, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".")
	if err != nil {
		return err
	}
	defer os.Remove(partial.Name()) //nolint:errcheck // after the rename it is gone
	err = errors.Join(write(partial), partial.Chmod(0o755), partial.Close())
	if err != nil {
		return err
	}
	loader, err := elfdeps.Interpreter(partial.Name())
	if err != nil {
		return err
	}
	if loader != "" {
		return errors.New("it needs shared libraries that only its image has")
	}
	return os.Rename(partial.Name(), target)
}
