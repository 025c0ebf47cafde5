package bundle

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/dualstrap/dualstrap/bundle/elfdeps"
	"github.com/dualstrap/dualstrap/bundle/oci"
)

// errFound stops a walk through an image once the program has been found.
var errFound = errors.New("found")

// UnknownProgramError reports that a bundle does not contain a program. Known lists the programs that it contains.
type UnknownProgramError struct {
	Name  string
	Dir   string
	Known []string
}

// Error implements error.
func (e *UnknownProgramError) Error() string {
	return fmt.Sprintf("the bundle %s has no program %s", e.Dir, e.Name)
}

// Hint returns the names of the bundle's programs.
func (e *UnknownProgramError) Hint() string { return "it has " + strings.Join(e.Known, ", ") }

// Extract writes a program of the bundle to a directory. The program comes from bin, or from the image of the same
// name. The file is verified first.
func (f *Dir) Extract(name, dir string) error {
	var known []string
	for _, file := range f.Manifest.Files {
		// The name becomes a file name in dir, so it must not be a path, even if the manifest did not come from Open.
		if file.Name == name && isName(name) {
			return f.extract(file, filepath.Join(dir, name))
		}
		known = append(known, file.Name)
	}
	return &UnknownProgramError{Name: name, Dir: f.Dir, Known: known}
}

// extract verifies a file of the bundle and writes its program to target.
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

// writeExecutable writes the executable of a file in bin.
func (f *Dir) writeExecutable(w io.Writer, file File) error {
	content, _, err := openRegular(f.Dir, file.Path)
	if err != nil {
		return err
	}
	defer content.Close()
	return unpack(w, content, *file.Executable)
}

// writeFromImage writes the program that an image runs.
func (f *Dir) writeFromImage(w io.Writer, file File) error {
	archive, err := oci.Open(f.path(file))
	if err != nil {
		return err
	}
	defer archive.Close()
	err = archive.Walk(func(header *tar.Header, content io.Reader) error {
		// Names in a layer are relative to the image's root.
		if "/"+header.Name != file.Image.Program {
			return nil
		}
		if header.Size > maxExecutableBytes {
			return fmt.Errorf("%s has %d bytes, at most %d are allowed", file.Image.Program, header.Size, maxExecutableBytes)
		}
		// The size is bounded above, so a small archive cannot fill the disk.
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

// replace writes an executable file atomically, so that it is never executed while incomplete. It refuses an executable
// that is not static: its libraries would be missing outside of the image.
func replace(target string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	partial, err := renameio.NewPendingFile(target, renameio.WithPermissions(0o755), renameio.IgnoreUmask())
	if err != nil {
		return err
	}
	defer partial.Cleanup() // it does nothing after the replacement
	if err := write(partial); err != nil {
		return err
	}
	loader, err := elfdeps.Interpreter(partial.Name())
	if err != nil {
		return err
	}
	if loader != "" {
		return errors.New("it needs shared libraries that only its image has")
	}
	return partial.CloseAtomicallyReplace()
}
