package cli

import "runtime/debug"

// version is set by the linker (-X in the Makefile). It is empty in builds without make, as in go install.
var version = ""

// Version returns the version of this executable: a tag or commit, the module's version, or "dev" when neither is known.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version // go install module@version
	}
	return "dev"
}
