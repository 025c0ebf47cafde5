//go:build !linux

package wire

import (
	"errors"
	"net/netip"
)

// Owner needs Linux.
func Owner() (string, bool, error) { return "", false, errors.ErrUnsupported }

// Lay needs Linux.
func Lay(string, []netip.Prefix) (bool, error) { return false, errors.ErrUnsupported }

// Remove needs Linux.
func Remove() (bool, error) { return false, errors.ErrUnsupported }

// CableOf needs Linux.
func CableOf(string, int) (State, error) { return Unplugged, errors.ErrUnsupported }

// Plug needs Linux.
func Plug(string, string, int) error { return errors.ErrUnsupported }

// Unplug needs Linux.
func Unplug(string) error { return errors.ErrUnsupported }

// Switch needs Linux.
func Switch(string, bool) error { return errors.ErrUnsupported }

// CheckFree needs Linux.
func CheckFree([]netip.Prefix) error { return errors.ErrUnsupported }
