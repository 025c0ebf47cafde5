package build

import (
	"path"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
)

// component is one file of a bundle, and how it is made. It is plain data, all of which is part of
// its key in the cache.
type component struct {
	kind          string
	name, version string
	roles         []api.Role
	// program is what the file holds; it has none where everything is from packages.
	program program
	// path is where the program is: on a host, or in the image.
	path string
	// user runs the program of an image, as uid:gid; empty for root.
	user string
	// packaged are programs of the distribution that the image holds as well, with their libraries.
	packaged []string
	// files are small ones that programs cannot run without.
	files []textFile
	// seconds is about how long it takes on two cores, after those before it in the list.
	seconds int
}

// program says where an executable comes from.
type program struct {
	origin origin
	// pin is the directory under pins with the modules, or the name of one of our own programs; pkg is the
	// package of the command.
	pin, pkg string
	// variables are set by the linker: NAME=VALUE.
	variables []string
	// tags are Go's build tags.
	tags string
	// cgo has it compiled with the C compiler, and linked statically all the same.
	cgo bool
}

// origin is where a program's source is.
type origin int

const (
	fromPackages origin = iota // no source: the program is among the packaged ones
	fromPin                    // a Go module
	fromOwn                    // embedded in dualstrap
	fromSelf                   // the running dualstrap
)

// textFile is a file of an image with a fixed content.
type textFile struct{ path, content string }

// environment is what the program of an image finds in its environment, as NAME=VALUE.
func (c component) environment() []string {
	if c.name != "kube-proxy" {
		return nil
	}
	// Its manifest is kubeadm's own. The VIP that it asks may move to another host, which knows nothing of open
	// connections: an idle one is asked for a sign of life after 5 seconds instead of 30.
	return []string{"HTTP2_READ_IDLE_TIMEOUT_SECONDS=5", "HTTP2_PING_TIMEOUT_SECONDS=3"}
}

// file gives the path of the component's file in the bundle.
func (c component) file() string {
	if c.kind == bundle.KindExecutable {
		return path.Join("bin", c.name+".gz")
	}
	return path.Join("images", c.name+".tar")
}
