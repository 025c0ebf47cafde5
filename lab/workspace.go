package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Workspace is the directory of one lab, where the cluster of the same name has its files, too.
type Workspace struct{ dir string }

// NewWorkspace gives the directory of a lab below the directory of all workspaces. Paths in it are
// absolute, so that cluster.yaml works from everywhere.
func NewWorkspace(root, lab string) (Workspace, error) {
	dir, err := filepath.Abs(filepath.Join(root, lab))
	if err != nil {
		return Workspace{}, fmt.Errorf("cannot find the workspace: %w", err)
	}
	return Workspace{dir: dir}, nil
}

// ManifestPath is where the lab's cluster.yaml is.
func (w Workspace) ManifestPath() string { return filepath.Join(w.dir, "cluster.yaml") }

// KeyPath is the private key that all hosts of the lab accept.
func (w Workspace) KeyPath() string { return filepath.Join(w.dir, "ssh", "id_ed25519") }

// KnownHostsPath lists the host keys, by both addresses of each host.
func (w Workspace) KnownHostsPath() string { return filepath.Join(w.dir, "ssh", "known_hosts") }

func (w Workspace) publicKeyPath() string { return w.KeyPath() + ".pub" }

// manifestState is what became of cluster.yaml.
type manifestState int

const (
	manifestSame manifestState = iota
	manifestWritten
	// manifestKept is one that somebody edited: it is left as it is.
	manifestKept
)

// writeManifest brings cluster.yaml up to date, unless somebody edited it.
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

// writeKnownHosts reports whether the file was not like that before.
func (w Workspace) writeKnownHosts(content []byte) (bool, error) {
	if present, err := os.ReadFile(w.KnownHostsPath()); err == nil && bytes.Equal(present, content) {
		return false, nil
	}
	return true, writeFile(w.KnownHostsPath(), content, 0o600)
}

// remove removes what `lab up` made, and directories that are empty then. It reports whether there was
// anything, and whether a cluster.yaml stays because somebody edited it.
func (w Workspace) remove() (removed, kept bool, err error) {
	paths := []string{w.KeyPath(), w.publicKeyPath(), w.KnownHostsPath()}
	present, readErr := os.ReadFile(w.ManifestPath())
	kept = readErr == nil && !isUnedited(present)
	if !kept {
		paths = append(paths, w.ManifestPath())
	}
	leftovers, _ := filepath.Glob(filepath.Join(w.dir, "*", temporaryPrefix+"*")) // the pattern is a good one
	more, _ := filepath.Glob(filepath.Join(w.dir, temporaryPrefix+"*"))
	for _, path := range append(append(paths, leftovers...), more...) {
		switch err := os.Remove(path); {
		case err == nil:
			removed = true
		case !errors.Is(err, fs.ErrNotExist):
			return removed, kept, fmt.Errorf("cannot remove the lab's files: %w", err)
		}
	}
	for _, dir := range []string{filepath.Dir(w.KeyPath()), w.dir, filepath.Dir(w.dir)} {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			break // not empty
		}
	}
	return removed, kept, nil
}

// temporaryPrefix begins the names of files that are not complete yet.
const temporaryPrefix = ".lab-"

// writeFile writes a file in one step, so that nobody ever reads half of it.
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
	defer os.Remove(temporary.Name()) //nolint:errcheck // it is gone when all went well
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cannot write the lab's files: %w", err)
	}
	return nil
}

// dirMode keeps the directory of keys to its owner.
func dirMode(dir string) fs.FileMode {
	if filepath.Base(dir) == "ssh" {
		return 0o700
	}
	return 0o755
}
