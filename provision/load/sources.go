package load

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/dualstrap/dualstrap/api"
)

// stdinName is the path that denotes standard input.
const stdinName = "-"

// maxSourceBytes is the maximum number of bytes that are read of one source. It is larger than what the decoder accepts,
// so that the decoder rejects a source that is too large, with its name.
const maxSourceBytes = 9 << 20

// ReadSources reads manifests. A path is a file, a directory, of which ReadSources reads all *.yaml and *.yml files in the
// order of their names, or "-" for standard input. A file that several paths denote is read once. The error lists all
// paths that cannot be read, one per line.
func ReadSources(paths []string, stdin io.Reader) ([]api.Source, error) {
	var sources []api.Source
	var failures *multierror.Error
	seen := map[string]bool{}
	for _, path := range paths {
		files, err := expand(path)
		failures = multierror.Append(failures, err)
		for _, file := range files {
			if seen[filepath.Clean(file)] {
				continue // a path and its directory may both be named
			}
			seen[filepath.Clean(file)] = true
			data, err := readSource(file, stdin)
			failures = multierror.Append(failures, err)
			sources = append(sources, api.Source{Name: file, Data: data})
		}
	}
	if err := failures.ErrorOrNil(); err != nil { // err is failures itself, so the format applies to it
		failures.ErrorFormat = oneLineEach
		return nil, err
	}
	return sources, nil
}

// expand returns the files that a path denotes, without subdirectories.
func expand(path string) ([]string, error) {
	if path == stdinName {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, readError(path, err)
	}
	// A file that is named explicitly may have any name, and may be a pipe, as in -f <(generate).
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, readError(path, err)
	}
	var files []string
	for _, entry := range entries {
		switch strings.ToLower(filepath.Ext(entry.Name())) {
		case ".yaml", ".yml":
			if entry.Type().IsRegular() || entry.Type()&fs.ModeSymlink != 0 { // reading a named pipe would block
				files = append(files, filepath.Join(path, entry.Name()))
			}
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("cannot read manifests: the directory %s has no *.yaml or *.yml file", path)
	}
	return files, nil
}

// readSource reads a file or standard input, up to maxSourceBytes.
func readSource(path string, stdin io.Reader) ([]byte, error) {
	if path == stdinName {
		data, err := io.ReadAll(io.LimitReader(stdin, maxSourceBytes))
		if err != nil {
			return nil, fmt.Errorf("cannot read manifests from standard input: %w", err)
		}
		return data, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, readError(path, err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, maxSourceBytes))
	if err != nil {
		return nil, readError(path, err)
	}
	return data, nil
}

// readError wraps an error of package os, without its system call and its path: the message has the path already.
func readError(path string, err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("cannot read manifests from %s: %w", path, err)
}

// oneLineEach is a format for multierror that has no heading.
func oneLineEach(errs []error) string {
	lines := make([]string, len(errs))
	for i, err := range errs {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}
