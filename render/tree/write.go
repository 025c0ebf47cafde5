package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/render"
)

// writeDirs writes the files below dir, several hosts at a time, because creating directories takes most of the time for
// thousands of hosts. The files of a host must be consecutive.
func writeDirs(dir string, files []render.File, index Index) error {
	var dirs errgroup.Group
	dirs.SetLimit(2 * runtime.GOMAXPROCS(0)) // the work is mostly system calls, which block
	for start := 0; start < len(files); {
		end := start + 1
		for end < len(files) && files[end].Host == files[start].Host {
			end++
		}
		from, to := start, end
		dirs.Go(func() error {
			made := createdDirs{root: dir, known: map[string]bool{dir: true}}
			for i := from; i < to; i++ {
				if err := made.write(filepath.Join(dir, index.Files[i].File), files[i]); err != nil {
					return err
				}
			}
			return nil
		})
		start = end
	}
	return dirs.Wait()
}

// createdDirs caches which directories below root exist, which saves a system call for each file. It is not safe for
// concurrent use.
type createdDirs struct {
	root  string
	known map[string]bool // by path, root included
}

// mkdirAll creates a directory below root and its parents. Unlike os.MkdirAll, it rejects symbolic links to directories,
// because they may lead out of root.
func (made createdDirs) mkdirAll(dir string) error {
	if made.known[dir] {
		return nil
	}
	if err := made.mkdirAll(filepath.Dir(dir)); err != nil {
		return err
	}
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		info, statErr := os.Lstat(dir)
		if statErr == nil && !info.IsDir() {
			return fmt.Errorf("cannot write rendered files: %s is not a directory; remove it", dir)
		}
		err = statErr
	}
	if err != nil {
		return fmt.Errorf("cannot write rendered files: %w", err)
	}
	made.known[dir] = true
	return nil
}

// write writes a rendered file, unless it already exists with the same content and mode. New files are created in place,
// which is faster than replace; the index on disk has them already, so the next run completes one that was interrupted.
func (made createdDirs) write(path string, file render.File) error {
	if err := made.mkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, file.Mode)
	if errors.Is(err, fs.ErrExist) { // also for a symbolic link, which O_EXCL does not follow
		return writeIfChanged(made.root, path, file)
	}
	if err == nil {
		_, err = f.Write(file.Content)
		err = errors.Join(err, restoreMode(f, file.Mode), f.Close())
	}
	if err != nil {
		return fmt.Errorf("cannot write rendered files: %w", err)
	}
	return nil
}

// restoreMode sets the mode bits of a new file that the umask removed. Checking the mode first is much cheaper than setting
// it for every file.
func restoreMode(f *os.File, mode fs.FileMode) error {
	info, err := f.Stat()
	if err != nil || info.Mode() == mode {
		return err
	}
	return f.Chmod(mode)
}

// writeIfChanged replaces a file if its content or mode differ. Lstat makes it replace a symbolic link, not its target.
func writeIfChanged(root, path string, file render.File) error {
	info, err := os.Lstat(path)
	if err == nil && info.Mode() == file.Mode {
		if content, err := os.ReadFile(path); err == nil && bytes.Equal(content, file.Content) {
			return nil
		}
	}
	return replace(root, path, file.Content, file.Mode)
}

// temporaryPrefix is the prefix of the names of incomplete files. They are directly in the output directory, where the next
// run finds those of a killed run.
const temporaryPrefix = ".render-"

// isTemporary reports whether a directory entry is an incomplete file.
func isTemporary(entry fs.DirEntry) bool { return strings.HasPrefix(entry.Name(), temporaryPrefix) }

// removeTemporary removes incomplete files of a killed run. The caller must hold the lock of the directory.
func removeTemporary(root string) error {
	entries, err := os.ReadDir(root)
	for _, entry := range entries {
		if isTemporary(entry) {
			err = errors.Join(err, os.Remove(filepath.Join(root, entry.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("cannot use the output directory: %w", err)
	}
	return nil
}

// lockDirectory creates the directory if it does not exist, and locks it until the returned function is called or the
// process ends. It returns an error if another process has the lock. On file systems without locks it only creates the
// directory.
func lockDirectory(dir string) (func(), error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot use the output directory: %w", err)
	}
	directory, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot use the output directory: %w", err)
	}
	err = syscall.Flock(int(directory.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOLCK) {
		return func() {
			// Closing the file is not enough: a child process has a copy of the descriptor, and with it the lock, until it
			// calls exec.
			_ = syscall.Flock(int(directory.Fd()), syscall.LOCK_UN) // fails on file systems without locks
			_ = directory.Close()                                   // nothing was written
		}, nil
	}
	directory.Close() //nolint:errcheck // nothing was written
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("cannot render into %s: another dualstrap is writing to it; wait until it is done", dir)
	}
	return nil, fmt.Errorf("cannot use the output directory: %w", err)
}

// replace writes a file below root atomically, so that other programs never read a partial file.
func replace(root, path string, content []byte, mode fs.FileMode) error {
	temporary, err := os.CreateTemp(root, temporaryPrefix+"*")
	if err != nil {
		return fmt.Errorf("cannot write rendered files: %w", err)
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // it has been renamed unless something failed
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cannot write rendered files: %w", err)
	}
	return nil
}
