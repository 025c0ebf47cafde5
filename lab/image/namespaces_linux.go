package image

import "syscall"

// ownNamespaces makes a command the first process of namespaces that end with it, and that it ends
// with this program: mounts and child processes never outlive a build, even one that is killed.
func ownNamespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS, // makes all mounts private, too
		Pdeathsig:    syscall.SIGKILL,
	}
}
