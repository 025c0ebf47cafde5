// Package netspace gives a test binary a network of its own, so that what its tests make there is in
// nobody's way: a lab of hosts comes up beside another, and all of it is gone when the tests end.
package netspace

import (
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// entered is set in the environment of a process that has its own network, and of its children.
const entered = "DUALSTRAP_TEST_NETWORK"

// Enter begins the process anew in a network namespace of its own, in which there is only loopback. It
// needs root, and is the first thing that TestMain does: whatever ran before runs twice.
func Enter() error {
	if os.Getenv(entered) == "" {
		return again()
	}
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("cannot find the loopback interface: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("cannot switch the loopback interface on: %w", err)
	}
	return nil
}

// again does not return, unless it fails: a namespace is the thread's, until the process is that thread.
func again() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("cannot make a network namespace: %w", err)
	}
	if err := unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), entered+"=1")); err != nil {
		return fmt.Errorf("cannot begin anew: %w", err)
	}
	return nil
}
