package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Workspace is the directory of one lab. The cluster of the same name keeps its files there as well.
type Workspace struct{ dir string }

// NewWorkspace returns the workspace of a lab below the root of all workspaces. Its paths are absolute, so that cluster.yaml
// works from any directory.
func NewWorkspace(root, lab string) (Workspace, error) {
	dir, err := filepath.Abs(filepath.Join(root, lab))
	if err != nil {
		return Workspace{}, fmt.Errorf("cannot find the workspace: %w", err)
	}
	return Workspace{dir: dir}, nil
}

// ManifestPath returns the path of the lab's cluster.yaml.
func (w Workspace) ManifestPath() string { return filepath.Join(w.dir, "cluster.yaml") }

// KeyPath returns the path of the private key that all hosts of the lab accept.
func (w Workspace) KeyPath() string { return filepath.Join(w.dir, "ssh", "id_ed25519") }

// KnownHostsPath returns the path of the file that lists the host keys, by both addresses of each host.
func (w Workspace) KnownHostsPath() string { return filepath.Join(w.dir, "ssh", "known_hosts") }

// publicKeyPath returns the path of the public key, where OpenSSH expects it.
func (w Workspace) publicKeyPath() string { return w.KeyPath() + ".pub" }

// manifestState describes what writeManifest did.
type manifestState int

const (
	manifestSame manifestState = iota
	manifestWritten
	// manifestKept is a file that the user has edited. It is not changed.
	manifestKept
)

// writeManifest updates cluster.yaml, unless the user has edited it.
func (w Workspace) writeManifest(content []byte) (manifestState, error) {
	present, err := os.ReadFile(w.ManifestPath())
	switch {
	case err == nil && bytes.Equal(present, content):
		return manifestSame, nil
	case err == nil && !isUnedited(present):
		return manifestKept, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return manifestKept, fmt.Errorf("cannot read the lab's manifests: %w", err)
	}
	return manifestWritten, writeFile(w.ManifestPath(), content, 0o644)
}

// writeKnownHosts updates known_hosts, and reports whether its content differed.
func (w Workspace) writeKnownHosts(content []byte) (bool, error) {
	if present, err := os.ReadFile(w.KnownHostsPath()); err == nil && bytes.Equal(present, content) {
		return false, nil
	}
	return true, writeFile(w.KnownHostsPath(), content, 0o600)
}

// remove removes the files that `lab up` writes, and directories that are then empty. It reports whether there was anything
// to remove, and whether cluster.yaml was kept because the user has edited it.
func (w Workspace) remove() (removed, kept bool, err error) {
	paths := []string{w.KeyPath(), w.publicKeyPath(), w.KnownHostsPath()}
	present, readErr := os.ReadFile(w.ManifestPath())
	kept = readErr == nil && !isUnedited(present)
	if !kept {
		paths = append(paths, w.ManifestPath())
	}
	// Temporary files of an interrupted run, in the workspace and in the directory of keys.
	leftovers, _ := filepath.Glob(filepath.Join(w.dir, "*", temporaryPrefix+"*")) // the only error is a malformed pattern
	more, _ := filepath.Glob(filepath.Join(w.dir, temporaryPrefix+"*"))
	for _, path := range append(append(paths, leftovers...), more...) {
		switch err := os.Remove(path); {
		case err == nil:
			removed = true
		case !errors.Is(err, fs.ErrNotExist):
			return removed, kept, fmt.Errorf("cannot remove the lab's files: %w", err)
		}
	}
	// From the inside out; the first directory that the user has put files into ends it.
	for _, dir := range []string{filepath.Dir(w.KeyPath()), w.dir, filepath.Dir(w.dir)} {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			break // not empty
		}
	}
	return removed, kept, nil
}

// temporaryPrefix begins the names of files that are not complete. An interrupted run may leave them behind.
const temporaryPrefix = ".lab-"

// writeFile writes a file atomically, so that no reader sees partial content.
func writeFile(path string, content []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	err := os.MkdirAll(filepath.Dir(dir), 0o755)
	if err == nil {
		err = os.MkdirAll(dir, dirMode(dir))
	}
	if err != nil {
		return fmt.Errorf("cannot write the lab's files: %w", err)
	}
	temporary, err := os.CreateTemp(dir, temporaryPrefix+"*")
	if err != nil {
		return fmt.Errorf("cannot write the lab's files: %w", err)
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cannot write the lab's files: %w", errors.Join(err, os.Remove(temporary.Name())))
	}
	return nil
}

// dirMode returns the mode of a directory of the workspace. Only the owner may enter the one with keys.
func dirMode(dir string) fs.FileMode {
	if filepath.Base(dir) == "ssh" {
		return 0o700
	}
	return 0o755
}
