package clustertest

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/session"
)

// stateDir is the directory in which hosts keep the record of changes.
const stateDir = "/var/lib/dualstrap"

// Host is one simulated host. Its cluster's lock guards all fields but the first group, which is constant.
type Host struct {
	cluster *Cluster
	node    *api.Node
	number  int // the position in the configuration, from 0
	// balancer reports whether the host may carry the control plane's VIP.
	controlPlane, balancer bool

	files    map[string]file
	dirs     map[string]bool // those that exist without a file in them
	sysctls  map[string]string
	units    map[string]unit
	restarts map[string]bool // units whose restart is pending
	// holder describes the run that holds the lock.
	holder string
	// renamed is the host's own name if that is no longer the name of its Node.
	renamed string
	// down reports whether nothing answers at the host's address, and noForwarding whether its SSH server refuses to forward
	// connections.
	down, noForwarding bool
	// apiServer and etcd report whether they run.
	apiServer, etcd bool
	// keys holds what the API server has loaded from its key file.
	keys encryption.Config
	// member is the ID in etcd, zero without one. A member is a learner until it has a vote.
	member int
	voter  bool
	// lingers reports whether a kubeadm of an earlier run still joins the host.
	lingers bool
}

// file is a file on a host.
type file struct {
	mode    fs.FileMode
	content string
}

// unit is a unit of systemd.
type unit struct{ enabled, active bool }

// newHost returns a bare host.
func newHost(cluster *Cluster, node *api.Node, number int) *Host {
	return &Host{
		cluster: cluster, node: node, number: number,
		files: map[string]file{},
		dirs: map[string]bool{
			"/etc": true, "/etc/sysctl.d": true, "/etc/modules-load.d": true, "/etc/systemd": true, "/etc/systemd/system": true,
			"/usr": true, "/usr/local": true, "/usr/local/bin": true, "/usr/libexec": true,
			"/var": true, "/var/lib": true, "/var/log": true, "/run": true, "/opt": true,
		},
		sysctls: map[string]string{}, units: map[string]unit{}, restarts: map[string]bool{},
	}
}

// Name returns the host's name, which its Node has as well.
func (h *Host) Name() string { return fmt.Sprintf("host-%d", h.number+1) }

// SetDown makes the host unreachable, or reachable again.
func (h *Host) SetDown(down bool) {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	h.down = down
}

// isDown reports whether the host is unreachable.
func (h *Host) isDown() bool {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	return h.down
}

// Joined reports whether the host has the marker of a node.
func (h *Host) Joined() bool { return h.has(session.JoinedPath) }

// has reports whether a file or directory exists.
func (h *Host) has(path string) bool {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	return h.exists(path)
}

// State returns everything that the host holds, one line for each file, directory, program that runs, and unit or setting
// that differs from its default, sorted.
func (h *Host) State() []string {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	var lines []string
	for name, file := range h.files {
		lines = append(lines, fmt.Sprintf("file %s %o %s", name, file.mode, file.content))
	}
	for dir := range h.dirs {
		lines = append(lines, "directory "+dir)
	}
	for key, value := range h.sysctls {
		if value != "0" {
			lines = append(lines, "sysctl "+key+"="+value)
		}
	}
	for name, state := range h.units {
		if state != (unit{}) {
			lines = append(lines, fmt.Sprintf("unit %s %+v", name, state))
		}
	}
	for _, program := range []struct {
		name string
		runs bool
	}{{"API server", h.apiServer}, {"etcd", h.etcd}, {"lock", h.holder != ""}} {
		if program.runs {
			lines = append(lines, program.name)
		}
	}
	slices.Sort(lines)
	return lines
}

// The methods below are called with the cluster's lock held.

// exists reports whether there is a file or a directory at a path.
func (h *Host) exists(name string) bool {
	if _, is := h.files[name]; is || h.dirs[name] {
		return true
	}
	return h.hasEntries(name)
}

// hasEntries reports whether a directory exists and is not empty.
func (h *Host) hasEntries(dir string) bool {
	below := func(name string) bool { return strings.HasPrefix(name, dir+"/") }
	for name := range h.files {
		if below(name) {
			return true
		}
	}
	for name := range h.dirs {
		if below(name) {
			return true
		}
	}
	return dir == "/"
}

// write writes a file and creates its parent directories. It reports whether that changed anything.
func (h *Host) write(name string, mode fs.FileMode, content string) bool {
	before, there := h.files[name]
	after := file{mode: mode, content: content}
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		h.dirs[dir] = true
	}
	h.files[name] = after
	return !there || before != after
}

// remove removes a file, or a directory with everything below it.
func (h *Host) remove(name string) {
	gone := func(other string) bool { return other == name || strings.HasPrefix(other, name+"/") }
	maps.DeleteFunc(h.files, func(other string, _ file) bool { return gone(other) })
	maps.DeleteFunc(h.dirs, func(other string, _ bool) bool { return gone(other) })
}

// removeDir removes a directory if it is empty.
func (h *Host) removeDir(name string) {
	if !h.hasEntries(name) {
		delete(h.dirs, name)
	}
}

// stop stops units.
func (h *Host) stop(names ...string) {
	for _, name := range names {
		state := h.units[name]
		state.active = false
		h.units[name] = state
	}
}

// Lock makes a run that the tests do not see hold the lock of the host.
func (h *Host) Lock(holder string) {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	h.holder = holder
}

// Write writes a file, as an administrator of the host may.
func (h *Host) Write(path, content string) {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	h.write(path, 0o644, content)
}

// Read returns the content of a file, and whether it exists.
func (h *Host) Read(path string) (content string, exists bool) {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	found, exists := h.files[path]
	return found.content, exists
}

// Remove removes a file, as an administrator of the host may.
func (h *Host) Remove(path string) {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	h.remove(path)
}

// Rename changes the host's own name, as hostnamectl does.
func (h *Host) Rename(name string) {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	h.renamed = name
}

// refusesForwarding reports whether the host's SSH server refuses to forward connections.
func (h *Host) refusesForwarding() bool {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	return h.noForwarding
}

// RefuseForwarding makes the host's SSH server refuse to forward connections.
func (h *Host) RefuseForwarding() {
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	h.noForwarding = true
}
