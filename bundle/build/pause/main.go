// Command pause holds the namespaces of a pod: it waits until it is told to stop. If the pod's containers share a
// process namespace, it is their init process and reaps orphaned processes.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker.
var version = "dev"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "-v" {
		fmt.Fprintf(os.Stdout, "pause %s\n", version)
		return
	}
	// Notify does not block: it drops signals for which the channel has no room.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	reap() // children that exited before Notify
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		reap()
	}
}

// reap waits for every child that has exited. The kernel merges pending signals, so one SIGCHLD may stand for several
// children.
func reap() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if pid <= 0 && err != syscall.EINTR {
			return
		}
	}
}
