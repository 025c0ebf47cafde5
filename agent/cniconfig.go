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

// writeCNI puts the CNI configuration in place, in one step, and reports whether it was another before.
func writeCNI(dir string, content []byte) (bool, error) {
	path := filepath.Join(dir, cni.FileName)
	present, err := os.ReadFile(path)
	if err == nil && bytes.Equal(present, content) {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("cannot read CNI configuration: %w", err)
	}
	// There is one agent, so one name will do, and none is left behind. Container runtimes look for
	// other extensions.
	temporary := path + ".new"
	if err := writeSynced(temporary, content); err != nil {
		return false, fmt.Errorf("cannot write CNI configuration: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return false, fmt.Errorf("cannot put CNI configuration in place: %w", err)
	}
	return true, nil
}

// writeSynced writes a file down to the disk: an empty one after a power failure would keep the
// runtime from starting pods.
func writeSynced(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// removeCNI takes the CNI configuration away; that there is none is no error.
func removeCNI(dir string) error {
	if err := os.Remove(filepath.Join(dir, cni.FileName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove CNI configuration: %w", err)
	}
	return nil
}
