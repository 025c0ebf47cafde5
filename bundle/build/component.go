package build

import (
	"path"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
)

// component describes one file of a bundle and how it is built. It contains plain data only: the key in the cache is
// computed from its printed form, so even renaming a field causes a rebuild.
type component struct {
	kind string
	// version appears in the manifest and in the tag of an image.
	name, version string
	// roles are the roles of the nodes that need the file.
	roles []api.Role
	// program is the program in the file. Its origin is fromPackages if all programs come from packages.
	program program
	// path is the path of the program: on a host, or in the image.
	path string
	// user is the user that runs the image's program, as uid:gid. Empty means root.
	user string
	// packaged lists programs of the distribution that the image contains as well, with their libraries.
	packaged []string
	// files are small files that the programs require.
	files []textFile
	// seconds is the approximate build time on two cores, after the preceding components have filled Go's build cache.
	// It is not part of the key.
	seconds int
}

// program describes the source of an executable.
type program struct {
	origin origin
	// pin is the directory under pins with the module's versions, or the name of one of dualstrap's own programs. pkg
	// is the import path of the command.
	pin, pkg string
	// variables are set by the linker, as NAME=VALUE.
	variables []string
	// tags are Go build tags, separated by commas.
	tags string
	// cgo enables the C compiler. The executable is linked statically nevertheless.
	cgo bool
}

// origin is the kind of source of a program.
type origin int

const (
	fromPackages origin = iota // no source: the program is among the packaged ones
	fromPin                    // a Go module
	fromOwn                    // embedded in dualstrap
	fromSelf                   // the running dualstrap
)

// textFile is a file of an image with fixed content.
type textFile struct{ path, content string }

// environment returns the environment of the image's program, as NAME=VALUE.
func (c component) environment() []string {
	if c.name != "kube-proxy" {
		return nil
	}
	// kubeadm owns kube-proxy's manifest, so the image sets the variables. When the VIP moves to another host, that
	// host does not know the open connections: idle ones are probed after 5 seconds instead of 30.
	return []string{"HTTP2_READ_IDLE_TIMEOUT_SECONDS=5", "HTTP2_PING_TIMEOUT_SECONDS=3"}
}

// file returns the path of the component's file in the bundle.
func (c component) file() string {
	if c.kind == bundle.KindExecutable {
		return path.Join("bin", c.name+".gz")
	}
	return path.Join("images", c.name+".tar")
}
