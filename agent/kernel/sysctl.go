package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Sysctl is a setting, with its path below /proc/sys/net and its desired value.
type Sysctl struct{ Path, Value string }

// Sysctls is the directory of the kernel's network settings: /proc/sys/net, or the path where it is mounted writable.
type Sysctls string

// Set sets a setting, and reports whether it had a different value. A missing setting is an error: the kernel lacks a
// feature, or the interface has been removed.
func (dir Sysctls) Set(sysctl Sysctl) (bool, error) {
	path := filepath.Join(string(dir), filepath.FromSlash(sysctl.Path))
	value, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("cannot find sysctl %s: the kernel has none of that name, or the interface is gone", path)
	}
	if err != nil {
		return false, fmt.Errorf("cannot read sysctl: %w", err)
	}
	// Writing an equal value is not harmless: writing ip_forward resets other settings.
	if string(bytes.TrimSpace(value)) == sysctl.Value {
		return false, nil
	}
	// The file is not created: only the kernel adds settings.
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
