package step

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// stand makes a directory with a stand-in for kubeadm, which reports that it runs, and then runs until it is killed.
func stand(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"bin", "scratch", "etc", "etcd"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"bin/kubeadm":     "#!/bin/sh\necho $$ >" + dir + "/runs.new\nmv " + dir + "/runs.new " + dir + "/runs\nexec sleep 60\n",
		"bin/systemctl":   "#!/bin/sh\nexit 0\n",
		"etc/config.yaml": "certificateKey: secret\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil { // programs
			t.Fatal(err)
		}
	}
	return dir
}

// TestKilledScriptsLeaveNoSecrets ends scripts with a signal while kubeadm runs. They must leave no secrets behind, whether
// the signal goes to all of their processes, as sshd sends it, or only to the shell. dash does not run EXIT traps on a
// signal unless the signal has a trap, too.
func TestKilledScriptsLeaveNoSecrets(t *testing.T) {
	t.Parallel()
	// If this process ignores SIGHUP, as under nohup, scripts inherit that and could not trap it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	for _, file := range []string{"init", "join", "upload_certs"} {
		for _, kill := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE, syscall.SIGTERM} {
			for _, all := range []bool{true, false} {
				t.Run(strings.Join([]string{file, kill.String()}, " "), func(t *testing.T) {
					t.Parallel()
					dir := stand(t)
					args := remote.Args{"config": filepath.Join(dir, "etc", "config.yaml"), "etcd": filepath.Join(dir, "etcd")}
					if file == "upload_certs" {
						args = remote.Args{"scratch": filepath.Join(dir, "scratch")}
					}
					s, err := script(file, file, args)
					if err != nil {
						t.Fatal(err)
					}
					killWhileItRuns(t, dir, s, func(sh int) {
						if all {
							syscall.Kill(-sh, kill) //nolint:errcheck // the test would fail
							return
						}
						syscall.Kill(sh, kill) //nolint:errcheck // as above
						endKubeadm(t, dir)
					})
					left, err := filepath.Glob(filepath.Join(dir, "scratch", "*"))
					if err != nil || len(left) > 0 {
						t.Errorf("it leaves %v", left)
					}
					// It was made with the mode of a file system of its own.
					if info, err := os.Stat(filepath.Join(dir, "etcd")); err != nil || file != "upload_certs" && info.Mode().Perm() != 0o700 {
						t.Errorf("the directory of etcd's data: %v, %v", err, info.Mode())
					}
					if _, err := os.Stat(filepath.Join(dir, "etc", "config.yaml")); file != "upload_certs" && !os.IsNotExist(err) {
						t.Errorf("it leaves kubeadm's configuration: %v", err)
					}
				})
			}
		}
	}
}

// killWhileItRuns runs a script as on a host, and calls kill with the shell's process ID when its kubeadm runs.
func killWhileItRuns(t *testing.T, dir string, script remote.Script, kill func(sh int)) {
	t.Helper()
	program := "progress() { :; }\n"
	for name, value := range script.Args {
		program += name + "='" + value + "'\n" // the values are paths that need no more quoting
	}
	sh := exec.CommandContext(t.Context(), "dash", "-c", program+"set -eu\n"+script.Body)
	sh.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	sh.Stdin = strings.NewReader("certificateKey: secret\n")
	sh.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := sh.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "runs")); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	kill(sh.Process.Pid)
	if err := sh.Wait(); err == nil {
		t.Error("the script has finished")
	}
}

// endKubeadm kills the stand-in: a shell runs its traps only after the program in the foreground has ended.
func endKubeadm(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "runs"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "kill", "-KILL", strings.TrimSpace(string(text))).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
