package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// makeDirs makes the directories of a run, the outermost first. Those that are there have to be ours.
func makeDirs(workspaces, cluster, logs, run string) error {
	for _, dir := range []string{workspaces, cluster, logs} {
		if err := checkOwner(dir, os.Geteuid(), os.Getenv("SUDO_UID")); err != nil {
			return err
		}
	}
	err := os.MkdirAll(logs, modeDir)
	if err == nil {
		err = os.MkdirAll(run, modeRun)
	}
	if err != nil {
		return fmt.Errorf("cannot make the directory for logs: %w", err)
	}
	return nil
}

// OwnerError is a directory that somebody else could put things into that a run then follows.
type OwnerError struct {
	Dir   string
	Owner int
}

// Error implements error.
func (e *OwnerError) Error() string {
	return fmt.Sprintf("cannot use the workspace: %s belongs to user %d, who is neither you nor root", e.Dir, e.Owner)
}

// Hint says what to do.
func (e *OwnerError) Hint() string {
	return "name another directory with --workspace-dir, or make this one yours: chown -R $USER " + e.Dir
}

// checkOwner refuses a directory of somebody else: neither of the user, nor of root, nor of who became root by sudo. What is
// not there is fine; of a symbolic link both it and what it leads to count.
func checkOwner(dir string, me int, sudo string) error {
	for _, look := range []func(string) (fs.FileInfo, error){os.Lstat, os.Stat} {
		info, err := look(dir)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil // making it says so
		}
		if err != nil {
			return fmt.Errorf("cannot use the workspace: %w", err)
		}
		status, known := info.Sys().(*syscall.Stat_t)
		if !known {
			return nil
		}
		owner := int(status.Uid)
		if owner != me && owner != 0 && (me != 0 || strconv.Itoa(owner) != sudo) {
			return &OwnerError{Dir: dir, Owner: owner}
		}
	}
	return nil
}
