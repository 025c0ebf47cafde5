// Package child runs programs that end when dualstrap does, whatever way that is, with all that they
// started themselves.
package child

import (
	"bytes"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// grace is how long output is waited for once the program was killed: a grandchild may hold the pipe.
const grace = 2 * time.Second

// Run runs a command of [exec.CommandContext] in a process group of its own. When the context ends,
// the group is killed; when dualstrap is killed, the kernel kills the program.
func Run(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = grace
	// The kernel's signal is for the end of the thread that started the program, not of the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.Run()
}

// Output runs a command and gives all that it printed, on both streams.
func Output(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := Run(cmd)
	return out.String(), err
}
