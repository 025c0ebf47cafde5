//go:build !linux

package network

import (
	"errors"
	"net/netip"
)

// Owner needs Linux.
func Owner() (string, bool, error) { return "", false, errors.ErrUnsupported }

// CreateBridge needs Linux.
func CreateBridge(string, []netip.Prefix) (bool, error) { return false, errors.ErrUnsupported }

// Remove needs Linux.
func Remove() (bool, error) { return false, errors.ErrUnsupported }

// LinkOf needs Linux.
func LinkOf(string, int) (State, error) { return Detached, errors.ErrUnsupported }

// Attach needs Linux.
func Attach(string, string, int) error { return errors.ErrUnsupported }

// Detach needs Linux.
func Detach(string) error { return errors.ErrUnsupported }

// SetLink needs Linux.
func SetLink(string, bool) error { return errors.ErrUnsupported }

// CheckFree needs Linux.
func CheckFree([]netip.Prefix) error { return errors.ErrUnsupported }
