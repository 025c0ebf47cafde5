package image

import "syscall"

// ownNamespaces makes a command the init process of a PID namespace, with a mount namespace of its own, and ends it when this
// program ends. So mounts and child processes never outlive a build, even if this program is killed.
func ownNamespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS, // makes all mounts private, too
		Pdeathsig:    syscall.SIGKILL,
	}
}
