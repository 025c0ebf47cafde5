package cli

import "runtime/debug"

// version is set by the linker; see the Makefile.
var version = ""

// Version is the version of this executable: a tag, a commit, or dev.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version // go install module@version
	}
	return "dev"
}
