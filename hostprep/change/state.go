package change

import (
	"io/fs"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// State describes a host, as read by [Survey], as far as the desired state is concerned.
type State struct {
	// Files holds the state of the paths of desired files and executables, and of the baseline. A path that
	// does not exist is missing from the map.
	Files map[string]FileState
	// Dirs lists the parent directories that do not exist and would have to be created, outermost first.
	Dirs []string
	// Sysctls holds values at run time by path below /proc/sys. Keys that the kernel does not have are missing.
	Sysctls map[string]string
	// Loadable lists the desired modules that are not loaded and that the host can load.
	Loadable []string
	// Units holds the state of the desired units, and of those that files and executables restart, by name.
	Units map[string]UnitState
	// MissingPrograms lists the desired programs that are not in the host's PATH.
	MissingPrograms []string
	// Images holds the digests of the images in containerd, by reference; Pinned has those that the kubelet does not remove
	// when its disk is full.
	Images map[string]string
	Pinned map[string]bool
	// Archives lists the file names of uploaded image archives, complete and partial.
	Archives  []string
	Firewalld firewalld.State
	// Tables lists the nftables tables as FAMILY NAME, one per line. It is nil if the host cannot list them.
	Tables *string
	// Record holds the previous state that earlier runs have recorded.
	Record Record
	// PutBack lists the calls that restore runtime settings of firewalld. An earlier run was interrupted after
	// its restart or reload dropped those settings and before it restored them.
	PutBack []firewalld.Command
	// Restarts lists the units whose restart an interrupted run left pending.
	Restarts []string
}

// FileState describes a file or another object at a path.
type FileState struct {
	// Kind is the file type as stat(1) prints it: regular file, directory, symbolic link, ...
	Kind string
	// Mode holds the permission bits alone.
	Mode fs.FileMode
	// Owner and OwnerID are USER:GROUP, as names and as numeric IDs.
	Owner, OwnerID string
	// SHA256 is the digest of the content in hexadecimal; empty for anything but files that are compared.
	SHA256 string
	// Content is the present content for diffs. It is nil if the file is secret, longer than maxShown, or
	// already has the desired content.
	Content []byte
}

// isRegular reports whether the path is a regular file. stat calls an empty one "regular empty file".
func (s FileState) isRegular() bool { return strings.HasPrefix(s.Kind, "regular") }

// isOwnedBy reports whether the file belongs to an owner USER:GROUP, whose parts are names or numeric IDs.
func (s FileState) isOwnedBy(owner string) bool {
	wantUser, wantGroup, _ := strings.Cut(owner, ":")
	user, group, _ := strings.Cut(s.Owner, ":")
	userID, groupID, _ := strings.Cut(s.OwnerID, ":")
	return (wantUser == user || wantUser == userID) && (wantGroup == group || wantGroup == groupID)
}

// UnitState describes a systemd unit.
type UnitState struct {
	// File and Active hold systemd's UnitFileState and ActiveState.
	File, Active string
	// Stale reports that the unit's files have changed since systemd read them (NeedDaemonReload).
	Stale bool
}

// isEnabled reports whether the unit starts at boot.
func (u UnitState) isEnabled() bool { return u.File == "enabled" }

// isRunning reports whether the unit has a process that may have to be restarted. A unit that is still
// activating, or restarts in a loop, counts: it has read its files already.
func (u UnitState) isRunning() bool {
	return u.Active == "active" || u.Active == "reloading" || u.Active == "activating"
}
