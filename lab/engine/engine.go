package engine

import (
	"fmt"
	"maps"
	"slices"
)

// Engine is a container engine.
type Engine struct {
	// Program is the command of the engine: podman or docker.
	Program string
	// create holds arguments for creating containers that only this engine needs.
	create []string
}

// Podman returns the engine podman with runc as its runtime, since crun refuses machines that have both versions of cgroups.
// Podman's own support for systemd is disabled: on such machines it would mount the root of one of the machine's hierarchies
// into all hosts, which would then share it.
func Podman(limits Limits) Engine {
	return Engine{Program: "podman", create: append([]string{
		"--runtime", "runc", "--systemd=false", "--no-hosts", "--log-opt", "max-size=1mb",
	}, limits.args()...)}
}

// Docker returns the engine docker. Its daemon sets the limits.
func Docker() Engine {
	return Engine{Program: "docker", create: []string{"--log-opt", "max-size=1m"}}
}

// Limits holds this process's limits of open files, which hosts inherit. Podman's defaults are higher than root can set
// without CAP_SYS_RESOURCE.
type Limits struct{ Soft, Hard uint64 }

// maxProcesses is the limit that podman lowers itself to, and that its containers cannot exceed. The kernel does not enforce
// it for root.
const maxProcesses = 32768

// args returns the limits as arguments of podman create.
func (l Limits) args() []string {
	return []string{
		"--ulimit", fmt.Sprintf("nofile=%d:%d", l.Soft, l.Hard),
		"--ulimit", fmt.Sprintf("nproc=%d:%[1]d", maxProcesses),
	}
}

// Container describes a host's container to create.
type Container struct {
	Name, Hostname, Image string
	Labels                map[string]string
	// Volume is mounted at /var/lib and seeded with the image's content there. containerd keeps its snapshots in it, and
	// an overlay file system cannot be the upper layer of another.
	Volume string
	// Modules mounts the machine's /lib/modules, read-only. It must exist.
	Modules bool
}

// createArgs returns the arguments that create the container without starting it.
func (e Engine) createArgs(c Container) []string {
	args := append([]string{"create", "--name", c.Name, "--hostname", c.Hostname}, labelArgs(c.Labels)...)
	args = append(args, e.create...)
	args = append(args,
		"--privileged", "--cgroupns=private", "--pids-limit=-1", "--network", "none",
		// As PID 1 of a container, systemd reads $container, shuts down on SIGRTMIN+3, and expects a volatile /run and /tmp.
		"--env", "container="+e.Program, "--stop-signal", "SIGRTMIN+3",
		"--tmpfs", "/run:rw,nosuid,nodev,mode=755", "--tmpfs", "/run/lock", "--tmpfs", "/tmp",
		"--volume", c.Volume+":/var/lib")
	if c.Modules {
		args = append(args, "--volume", "/lib/modules:/lib/modules:ro")
	}
	return append(args, c.Image, "/sbin/init")
}

// labelArgs returns labels as arguments, in a stable order.
func labelArgs(labels map[string]string) []string {
	var args []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		args = append(args, "--label", key+"="+labels[key])
	}
	return args
}

// ExecArgs returns the arguments that run a command in a running container, with standard input, and on a terminal if tty is
// true.
func (e Engine) ExecArgs(container string, tty bool, command ...string) []string {
	args := []string{"exec", "--interactive"}
	if tty {
		args = append(args, "--tty")
	}
	return append(append(args, container), command...)
}

// filterArgs returns arguments that select objects with all of the labels. An empty value matches any.
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
