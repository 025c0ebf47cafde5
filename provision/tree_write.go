package provision

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

// writeDirs writes the files below dir, several directories at a time: for thousands of hosts most of
// the time goes into making directories.
func writeDirs(dir string, files []render.File, index TreeIndex) error {
	var dirs errgroup.Group
	dirs.SetLimit(2 * runtime.GOMAXPROCS(0))
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

// createdDirs remembers which directories below root exist, so that none is asked for twice.
type createdDirs struct {
	root  string
	known map[string]bool
}

// mkdirAll takes no symbolic link for a directory: it may lead out of the root.
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
			return fmt.Errorf("cannot write rendered files: %s is no directory; remove it", dir)
		}
		err = statErr
	}
	if err != nil {
		return fmt.Errorf("cannot write rendered files: %w", err)
	}
	made.known[dir] = true
	return nil
}

// write writes a rendered file, unless it is there already with the same content and mode.
func (made createdDirs) write(path string, file render.File) error {
	if err := made.mkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, file.Mode)
	if errors.Is(err, fs.ErrExist) {
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

// restoreMode gives a new file the bits that the umask took away. Asking first is much cheaper than
// changing the mode of every file.
func restoreMode(f *os.File, mode fs.FileMode) error {
	info, err := f.Stat()
	if err != nil || info.Mode() == mode {
		return err
	}
	return f.Chmod(mode)
}

func writeIfChanged(root, path string, file render.File) error {
	info, err := os.Lstat(path)
	if err == nil && info.Mode() == file.Mode {
		if content, err := os.ReadFile(path); err == nil && bytes.Equal(content, file.Content) {
			return nil
		}
	}
	return replace(root, path, file.Content, file.Mode)
}

// temporaryPrefix begins the names of files that are not complete yet. All are in the root, where the
// next run finds those of one that was killed.
const temporaryPrefix = ".render-"

func isTemporary(entry fs.DirEntry) bool { return strings.HasPrefix(entry.Name(), temporaryPrefix) }

// removeTemporary removes what a killed run left.
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

// lockDirectory makes the directory and keeps other runs away from it until the returned function is
// called, or until the process ends.
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
			// To close it is not enough: a child that is about to run its program may have it open for a moment.
			_ = syscall.Flock(int(directory.Fd()), syscall.LOCK_UN) // there may be no locks
			_ = directory.Close()                                   // nothing was written
		}, nil
	}
	directory.Close() //nolint:errcheck // nothing was written
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("cannot render into %s: another dualstrap is writing to it; wait until it is done", dir)
	}
	return nil, fmt.Errorf("cannot use the output directory: %w", err)
}

// replace writes a file below root in one step, so that nobody ever reads half of it.
func replace(root, path string, content []byte, mode fs.FileMode) error {
	temporary, err := os.CreateTemp(root, temporaryPrefix+"*")
	if err != nil {
		return fmt.Errorf("cannot write rendered files: %w", err)
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // it is gone when all went well
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
