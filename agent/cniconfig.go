package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

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
	// The container runtime watches the directory and reads a file as soon as it appears, so it must appear complete. It is
	// flushed to the disk first: after a power failure, an empty file would keep the runtime from starting pods.
	if err := renameio.WriteFile(path, content, 0o644, renameio.IgnoreUmask()); err != nil {
		return false, fmt.Errorf("cannot write CNI configuration: %w", err)
	}
	return true, nil
}

// removeCNI removes the CNI configuration. A missing file is not an error.
func removeCNI(dir string) error {
	if err := os.Remove(filepath.Join(dir, cni.FileName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove CNI configuration: %w", err)
	}
	return nil
}
