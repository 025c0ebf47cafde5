package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is the interval at which a lock that another build holds is tried.
const lockPoll = 200 * time.Millisecond

// cache keeps built components, in directories whose names contain a hash of the inputs. A directory that exists is
// complete: it is filled under another name and then renamed.
type cache struct{ dir string }

// DefaultCacheDir returns the directory for bundles in the user's cache directory.
func DefaultCacheDir() (string, error) {
	dir, err := os.UserCacheDir() // XDG_CACHE_HOME, or ~/.cache
	if err != nil {
		return "", &Error{
			What:     "cannot find a directory for caches: " + err.Error(),
			HintText: "set HOME, or XDG_CACHE_HOME to a directory with room for 2 GB",
		}
	}
	return filepath.Join(dir, "dualstrap", "bundle"), nil
}

// path returns the directory of an entry, which may not exist yet.
func (c cache) path(name, key string) string { return filepath.Join(c.dir, name+"-"+key) }

// has reports whether an entry exists.
func (c cache) has(name, key string) bool {
	_, err := os.Stat(c.path(name, key))
	return err == nil
}

// entry returns the directory of an entry, after filling it if it is missing. Concurrent builds of the same entry wait
// for each other.
func (c cache) entry(ctx context.Context, name, key string, fill func(dir string) error) (string, error) {
	path := c.path(name, key)
	if c.has(name, key) {
		return path, nil
	}
	unlock, err := c.lock(ctx, name)
	if err != nil {
		return "", err
	}
	defer unlock()
	if c.has(name, key) {
		return path, nil // another build has filled it meanwhile
	}
	partial := path + ".partial" // a leftover of a killed build can be removed, because the lock is held
	if err := os.RemoveAll(partial); err != nil {
		return "", err
	}
	if err := os.Mkdir(partial, 0o755); err != nil {
		return "", err
	}
	// A failed build leaves nothing behind but the error.
	if err := fill(partial); err != nil {
		return "", errors.Join(err, os.RemoveAll(partial))
	}
	return path, os.Rename(partial, path)
}

// lock waits until no other build holds the lock of a name, and returns a function that unlocks it. The kernel releases
// the lock of a process that exits.
func (c cache) lock(ctx context.Context, name string) (func(), error) {
	dir := filepath.Join(c.dir, "locks")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, cacheError(err)
	}
	lock := flock.New(filepath.Join(dir, name), flock.SetPermissions(0o644))
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, cacheError(err)
	}
	return func() { lock.Close() }, nil // closing the file unlocks it
}

// cacheError adds a hint to an error about a path in the cache. Other errors are returned unchanged.
func cacheError(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return &Error{
			What:     fmt.Sprintf("cannot write the cache %s: %v", pathErr.Path, pathErr.Err),
			HintText: "make the directory writable, or set XDG_CACHE_HOME to another one",
		}
	}
	return err
}
