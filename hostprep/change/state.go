package change

import (
	"io/fs"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// State is what was read on a host.
type State struct {
	// Files are those at the paths of the desired files and executables. One that is not there is
	// missing here.
	Files map[string]FileState
	// Directories do not exist above these paths, outermost first.
	Dirs []string
	// Sysctls are values at run time. One that the kernel does not have is missing.
	Sysctls map[string]string
	// Loadable are modules that are not there and that the host may have.
	Loadable []string
	Units    map[string]UnitState
	// MissingPrograms are names.
	MissingPrograms []string
	// PackageManager is apt-get, dnf, or empty.
	PackageManager string
	// Images are digests by reference.
	Images map[string]string
	// Archives are the names of files of images, whole or in part, that were on their way.
	Archives  []string
	Firewalld firewalld.State
	// Tables are nftables', as FAMILY NAME, one a line; nil where the host cannot tell.
	Tables *string
	// Record is what earlier runs found before they changed it.
	Record Record
	// PutBack is what an earlier run took away from firewalld and did not come to put back.
	PutBack []firewalld.Command
	// Restarts are the units that an earlier run was to restart and did not.
	Restarts []string
}

// FileState is what is at a path.
type FileState struct {
	// Kind is in the words of stat(1): regular file, directory, symbolic link, ...
	Kind string
	Mode fs.FileMode
	// Owner and OwnerID are USER:GROUP, by names and by numbers.
	Owner, OwnerID string
	Size           int64
	SHA256         string
	// Content is what is to be compared; nil where it is secret, too long, or as desired.
	Content []byte
}

// isRegular reports whether it is a plain file.
func (s FileState) isRegular() bool { return strings.HasPrefix(s.Kind, "regular") }

// isOwnedBy compares with an owner whose parts are names or numbers.
func (s FileState) isOwnedBy(owner string) bool {
	wantUser, wantGroup, _ := strings.Cut(owner, ":")
	user, group, _ := strings.Cut(s.Owner, ":")
	userID, groupID, _ := strings.Cut(s.OwnerID, ":")
	return (wantUser == user || wantUser == userID) && (wantGroup == group || wantGroup == groupID)
}

// UnitState is how a unit is.
type UnitState struct {
	// Load, File and Active are LoadState, UnitFileState and ActiveState of systemd.
	Load, File, Active string
	// Stale says that systemd has not read the unit's files since they changed.
	Stale bool
}

// isEnabled reports whether the unit starts with the host.
func (u UnitState) isEnabled() bool { return u.File == "enabled" }

// isRunning reports whether there is something to restart.
func (u UnitState) isRunning() bool {
	return u.Active == "active" || u.Active == "reloading" || u.Active == "activating"
}
