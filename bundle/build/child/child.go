// Package child runs programs that exit when dualstrap does, in whatever way dualstrap exits, together with all
// processes that they have started.
package child

import (
	"bytes"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// grace is the time to wait for output after the program was killed: a grandchild may still hold the pipe.
const grace = 2 * time.Second

// Run runs a command of [exec.CommandContext] in its own process group. When the context ends, Run kills the group.
// When dualstrap itself is killed, the kernel kills the program.
func Run(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = grace
	// The kernel sends Pdeathsig when the thread that started the program exits, not the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.Run()
}

// Output runs a command and returns everything that it printed to both streams.
func Output(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := Run(cmd)
	return out.String(), err
}
