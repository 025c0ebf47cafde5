package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// makeDirs creates the directories of a run. The owner of the existing ones is checked first, from the outermost to the
// innermost: what a foreign directory contains cannot be trusted.
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

// OwnerError reports a directory of another user. That user could replace files and links in it, which the run would
// follow.
type OwnerError struct {
	Dir   string
	Owner int // the user ID
}

// Error implements error.
func (e *OwnerError) Error() string {
	return fmt.Sprintf("cannot use the workspace: %s belongs to user %d, who is neither you nor root", e.Dir, e.Owner)
}

// Hint returns the ways to solve the problem.
func (e *OwnerError) Hint() string {
	return "name another directory with --workspace-dir, or make this one yours: chown -R $USER " + e.Dir
}

// checkOwner returns an [OwnerError] if a directory belongs neither to the user me, nor to root, nor, if me is root, to the
// user who ran sudo (the user ID in SUDO_UID, empty without sudo). A missing directory passes. For a symbolic link, both
// the link and its target are checked.
func checkOwner(dir string, me int, sudo string) error {
	for _, stat := range []func(string) (fs.FileInfo, error){os.Lstat, os.Stat} {
		info, err := stat(dir)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil // creating the directory reports what is in its way
		}
		if err != nil {
			return fmt.Errorf("cannot use the workspace: %w", err)
		}
		status, known := info.Sys().(*syscall.Stat_t)
		if !known { // a file system without owners
			return nil
		}
		owner := int(status.Uid)
		if owner != me && owner != 0 && (me != 0 || strconv.Itoa(owner) != sudo) {
			return &OwnerError{Dir: dir, Owner: owner}
		}
	}
	return nil
}
