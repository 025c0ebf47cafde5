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

// lockPoll is how often a lock that another build holds is asked for.
const lockPoll = 200 * time.Millisecond

// cache keeps what was built, in directories named by what they were made from. A directory that is there
// is whole: it was filled under another name.
type cache struct{ dir string }

// DefaultCacheDir is the directory for bundles among the user's caches.
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

// path is where an entry is, or will be.
func (c cache) path(name, key string) string { return filepath.Join(c.dir, name+"-"+key) }

// has reports whether an entry is there.
func (c cache) has(name, key string) bool {
	_, err := os.Stat(c.path(name, key))
	return err == nil
}

// entry gives the directory of an entry and has it filled first if it is missing. Builds that want the
// same one wait for each other.
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
		return path, nil // another build was quicker
	}
	partial := path + ".partial" // what a killed build left is its own to clear: the lock is held
	if err := os.RemoveAll(partial); err != nil {
		return "", err
	}
	if err := os.Mkdir(partial, 0o755); err != nil {
		return "", err
	}
	if err := fill(partial); err != nil {
		return "", errors.Join(err, os.RemoveAll(partial))
	}
	return path, os.Rename(partial, path)
}

// lock waits until no other build works on what has this name. The kernel drops the lock of a
// process that ends.
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
	return func() { lock.Close() }, nil //nolint:errcheck,gosec // closing the file is unlocking it
}

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
