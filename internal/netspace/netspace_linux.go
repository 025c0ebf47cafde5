// Package netspace gives a test binary a network namespace of its own. What its tests create there cannot collide with
// anything outside: the labs of two test binaries run side by side, and all of it is gone when the tests end.
package netspace

import (
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// entered is the environment variable that marks a process in a namespace of its own, and the children of that process.
const entered = "DUALSTRAP_TEST_NETWORK"

// Enter restarts the process in a new network namespace that has only a loopback interface. It needs root. It must be
// the first call of TestMain, because everything before it runs twice.
func Enter() error {
	if os.Getenv(entered) == "" {
		return reexec()
	}
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("cannot find the loopback interface: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("cannot bring the loopback interface up: %w", err)
	}
	return nil
}

// reexec replaces the process, and returns only if that fails. A process can change the namespace of the calling thread
// only, but execve continues in that thread and ends all others.
func reexec() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("cannot make a network namespace: %w", err)
	}
	if err := unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), entered+"=1")); err != nil {
		return fmt.Errorf("cannot execute the test binary again: %w", err)
	}
	return nil
}
