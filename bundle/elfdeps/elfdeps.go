// Package elfdeps says what a Linux executable needs beside itself to run: the dynamic loader and
// shared libraries. A static executable needs nothing.
package elfdeps

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
)

// Interpreter gives the dynamic loader that an executable asks for; empty where it is static.
func Interpreter(name string) (string, error) {
	file, err := elf.Open(name)
	if err != nil {
		return "", fmt.Errorf("cannot read executable %s: %w", name, err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	return interpreter(file)
}

func interpreter(file *elf.File) (string, error) {
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			text, err := io.ReadAll(segment.Open())
			return string(bytes.TrimRight(text, "\x00")), err
		}
	}
	return "", nil
}

// searchPath is where Debian's loader looks without a configuration, on amd64.
func searchPath() []string {
	return []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"}
}

// Closure gives what a program of a root file system needs to run, as absolute paths in the root,
// sorted: itself, its loader, and its libraries with theirs. Libraries that a program only loads
// while it runs are not found.
func Closure(root Root, program string) ([]string, error) {
	found := map[string]bool{}
	queue := []string{program}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if found[name] {
			continue
		}
		found[name] = true
		needed, err := direct(root, name)
		if err != nil {
			return nil, fmt.Errorf("cannot find what %s needs: %w", program, err)
		}
		queue = append(queue, needed...)
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// direct gives the paths of what one file names itself.
func direct(root Root, name string) ([]string, error) {
	content, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer content.Close() //nolint:errcheck // nothing was written
	file, err := elf.NewFile(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	loader, err := interpreter(file)
	if err != nil {
		return nil, err
	}
	libraries, err := file.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	var paths []string
	if loader != "" {
		paths = append(paths, loader)
	}
	for _, library := range libraries {
		found, err := locate(root, library)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		paths = append(paths, found)
	}
	return paths, nil
}

func locate(root Root, library string) (string, error) {
	for _, dir := range searchPath() {
		name := path.Join(dir, library)
		content, err := root.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return name, content.Close()
	}
	return "", fmt.Errorf("no package has its library %s", library)
}
