package build

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// Disk space that a build without any cache takes, measured and rounded up.
const (
	goCacheBytes     = 3 << 30
	moduleCacheBytes = 2 << 30
	cacheBytes       = 1 << 30
	outputBytes      = 1 << 29
)

// space is the room in bytes that a directory must have.
type space struct {
	dir   string
	bytes uint64
}

// checkSpace checks that the disks have enough free space, before hours are spent. Directories on the same disk share
// its space.
func checkSpace(needs []space) error {
	type disk struct {
		free, needed uint64
		dirs         []string
	}
	disks := map[uint64]*disk{}
	for _, need := range needs {
		dir, info, err := statDisk(need.dir)
		if err != nil {
			return fmt.Errorf("cannot find out how much room %s has: %w", need.dir, err)
		}
		if disks[info.id] == nil {
			// Keyed by device number: the caches and the output are often on the same disk.
			disks[info.id] = &disk{free: info.free}
		}
		on := disks[info.id]
		on.needed += need.bytes
		on.dirs = append(on.dirs, dir)
		if on.needed > on.free {
			return &Error{
				What: fmt.Sprintf("not enough disk space: building needs about %s in %s, where %s are free",
					gibibytes(on.needed), strings.Join(on.dirs, " and "), gibibytes(on.free)),
				HintText: "make room, or name directories on a larger disk: XDG_CACHE_HOME, GOCACHE and GOMODCACHE in the environment, and --output",
			}
		}
	}
	return nil
}

// diskInfo identifies a disk by its device number. free is in bytes.
type diskInfo struct{ id, free uint64 }

// statDisk returns the disk of a directory, or of its nearest existing parent, together with the directory that was
// used.
func statDisk(dir string) (string, diskInfo, error) {
	for {
		var stat syscall.Statfs_t
		var file syscall.Stat_t
		err := syscall.Statfs(dir, &stat)
		if err == nil {
			err = syscall.Stat(dir, &file)
		}
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
			dir = filepath.Dir(dir)
			continue
		}
		return dir, diskInfo{id: file.Dev, free: stat.Bavail * uint64(stat.Bsize)}, err // the size of a block is positive
	}
}

// gibibytes formats a number of bytes for messages.
func gibibytes(bytes uint64) string {
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}
