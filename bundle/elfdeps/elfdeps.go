// Package elfdeps finds the files that a Linux executable requires at run time: the dynamic loader and shared
// libraries. A static executable requires none.
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

// Interpreter returns the path of the dynamic loader that an executable requests, or an empty string if it is static.
func Interpreter(name string) (string, error) {
	file, err := elf.Open(name)
	if err != nil {
		return "", fmt.Errorf("cannot read executable %s: %w", name, err)
	}
	defer file.Close()
	return interpreter(file)
}

// interpreter returns the content of the segment PT_INTERP.
func interpreter(file *elf.File) (string, error) {
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			text, err := io.ReadAll(segment.Open())
			return string(bytes.TrimRight(text, "\x00")), err
		}
	}
	return "", nil
}

// searchPath returns the directories that Debian's dynamic loader searches on amd64 without further configuration.
func searchPath() []string {
	return []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"}
}

// Closure returns the files that a program of a root file system requires, as sorted absolute paths in that root: the
// program, its loader, and its libraries with their own dependencies. It does not find libraries that a program loads
// with dlopen.
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
		// Libraries depend on each other, possibly in circles, which found breaks.
		queue = append(queue, needed...)
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// direct returns the paths of the loader and the libraries that one file names.
func direct(root Root, name string) ([]string, error) {
	content, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	file, err := elf.NewFile(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	loader, err := interpreter(file)
	if err != nil {
		return nil, err
	}
	// These are the entries DT_NEEDED. Search paths in the file itself (RPATH) are ignored: Debian's packages do not
	// use them for system libraries.
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

// locate returns the path of a library in the root.
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
