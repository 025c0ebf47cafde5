//go:build !linux

package image

import "syscall"

// ownNamespaces needs Linux.
func ownNamespaces() *syscall.SysProcAttr { return nil }
