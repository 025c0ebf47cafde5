package engine

import (
	"fmt"
	"maps"
	"slices"
)

// Engine is a container engine.
type Engine struct {
	// Program is its command: podman or docker.
	Program string
	// create are the arguments that this engine alone needs to create a host.
	create []string
}

// Podman runs hosts with runc: crun refuses machines that have both versions of cgroups. What podman
// knows about systemd is switched off: on such machines it would give all hosts one of the machine's
// hierarchies, the root of it, to share.
func Podman(limits Limits) Engine {
	return Engine{Program: "podman", create: append([]string{
		"--runtime", "runc", "--systemd=false", "--no-hosts", "--log-opt", "max-size=1mb",
	}, limits.args()...)}
}

// Docker leaves limits to its daemon.
func Docker() Engine {
	return Engine{Program: "docker", create: []string{"--log-opt", "max-size=1m"}}
}

// Limits are this process's limits of open files, which hosts get, too. Podman's defaults are higher
// than root may go without CAP_SYS_RESOURCE.
type Limits struct{ Soft, Hard uint64 }

// maxProcesses is what podman itself goes down to, and its containers cannot get above. It does not
// hold for root.
const maxProcesses = 32768

func (l Limits) args() []string {
	return []string{
		"--ulimit", fmt.Sprintf("nofile=%d:%d", l.Soft, l.Hard),
		"--ulimit", fmt.Sprintf("nproc=%d:%[1]d", maxProcesses),
	}
}

// Container is a host to create.
type Container struct {
	Name, Hostname, Image string
	Labels                map[string]string
	// Volume is mounted at /var/lib, and seeded with what the image has there: containerd keeps its
	// snapshots in it, and an overlay file system cannot lie on top of another.
	Volume string
	// Modules says that the machine has /lib/modules, to be seen by the host.
	Modules bool
}

// createArgs are the arguments that create the container, not started.
func (e Engine) createArgs(c Container) []string {
	args := append([]string{"create", "--name", c.Name, "--hostname", c.Hostname}, labelArgs(c.Labels)...)
	args = append(args, e.create...)
	args = append(args,
		"--privileged", "--cgroupns=private", "--pids-limit=-1", "--network", "none",
		// What systemd looks for as PID 1 of a container.
		"--env", "container="+e.Program, "--stop-signal", "SIGRTMIN+3",
		"--tmpfs", "/run:rw,nosuid,nodev,mode=755", "--tmpfs", "/run/lock", "--tmpfs", "/tmp",
		"--volume", c.Volume+":/var/lib")
	if c.Modules {
		args = append(args, "--volume", "/lib/modules:/lib/modules:ro")
	}
	return append(args, c.Image, "/sbin/init")
}

func labelArgs(labels map[string]string) []string {
	var args []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		args = append(args, "--label", key+"="+labels[key])
	}
	return args
}

// ExecArgs are the arguments that run a command in a running container, with its standard input, and
// on a terminal if tty says so.
func (e Engine) ExecArgs(container string, tty bool, command ...string) []string {
	args := []string{"exec", "--interactive"}
	if tty {
		args = append(args, "--tty")
	}
	return append(append(args, container), command...)
}

// filterArgs choose what carries all of the labels; an empty value stands for any.
func filterArgs(labels map[string]string) []string {
	var args []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		filter := "label=" + key
		if value := labels[key]; value != "" {
			filter += "=" + value
		}
		args = append(args, "--filter", filter)
	}
	return args
}
