package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Sysctl is a setting below /proc/sys/net and the value it shall have.
type Sysctl struct{ Path, Value string }

// Sysctls is the directory that shows the kernel's settings, /proc/sys/net or where that is mounted
// writable.
type Sysctls string

// Set gives a setting its value, and reports whether it had another.
func (dir Sysctls) Set(sysctl Sysctl) (bool, error) {
	path := filepath.Join(string(dir), filepath.FromSlash(sysctl.Path))
	value, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("cannot find sysctl %s: the kernel has none of that name, or the interface is gone", path)
	}
	if err != nil {
		return false, fmt.Errorf("cannot read sysctl: %w", err)
	}
	if string(bytes.TrimSpace(value)) == sysctl.Value {
		return false, nil
	}
	// Not created: a file that is not there yet is no sysctl.
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return false, fmt.Errorf("cannot set sysctl: %w", err)
	}
	_, err = file.WriteString(sysctl.Value)
	if err := errors.Join(err, file.Close()); err != nil {
		return false, fmt.Errorf("cannot set sysctl to %s: %w", sysctl.Value, err)
	}
	return true, nil
}
