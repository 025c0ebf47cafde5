package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dualstrap/dualstrap/render/cni"
)

// writeCNI writes the CNI configuration atomically, and reports whether it was different before.
func writeCNI(dir string, content []byte) (bool, error) {
	path := filepath.Join(dir, cni.FileName)
	present, err := os.ReadFile(path)
	if err == nil && bytes.Equal(present, content) {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("cannot read CNI configuration: %w", err)
	}
	// There is only one agent on a node, so a fixed name suffices, and a leftover of a crash is overwritten. Container
	// runtimes ignore the extension.
	temporary := path + ".new"
	if err := writeSynced(temporary, content); err != nil {
		return false, fmt.Errorf("cannot write CNI configuration: %w", err)
	}
	// A rename is atomic: the container runtime watches the directory and reads a file as soon as it appears.
	if err := os.Rename(temporary, path); err != nil {
		return false, fmt.Errorf("cannot put CNI configuration in place: %w", err)
	}
	return true, nil
}

// writeSynced writes a file and flushes it to the disk: after a power failure, an empty file would keep the container
// runtime from starting pods.
func writeSynced(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// removeCNI removes the CNI configuration. A missing file is not an error.
func removeCNI(dir string) error {
	if err := os.Remove(filepath.Join(dir, cni.FileName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove CNI configuration: %w", err)
	}
	return nil
}
