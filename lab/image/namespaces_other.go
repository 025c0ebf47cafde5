//go:build !linux

package image

import "syscall"

func ownNamespaces() *syscall.SysProcAttr { return nil }
