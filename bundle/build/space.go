package build

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// How much room a build from nothing takes, measured and rounded up.
const (
	goCacheBytes     = 3 << 30
	moduleCacheBytes = 2 << 30
	cacheBytes       = 1 << 30
	outputBytes      = 1 << 29
)

// space is what a directory must have room for.
type space struct {
	dir   string
	bytes uint64
}

// checkSpace makes sure that the disks have room, before hours are spent. Directories on one disk share
// its room.
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

type diskInfo struct{ id, free uint64 }

// statDisk looks at the disk of a directory, or of the nearest one above it that exists.
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
		return dir, diskInfo{id: file.Dev, free: stat.Bavail * uint64(stat.Bsize)}, err //nolint:gosec // a block has a positive size
	}
}

func gibibytes(bytes uint64) string {
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}
