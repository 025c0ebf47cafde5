package change

import (
	"maps"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// batch is the combined work of all actions of a plan, grouped by the step that performs it.
type batch struct {
	// entries are appended to the host's record before anything else happens.
	entries     Record
	files       []remote.File
	executables []remote.Upload
	images      []Image
	// pins lists the references of images to pin; those that are imported are pinned then.
	pins []string
	// archives names leftover files below the state directory's images directory that are removed.
	archives  []string
	packages  packageBatch
	firewalld firewalldBatch
	modules   []string
	sysctls   []Sysctl
	// reload requests systemctl daemon-reload. It runs before the units below are enabled, started or restarted.
	reload  bool
	enable  []string
	start   []string
	restart []string
}

// collect merges the actions into one batch. Actions may record the same thing twice (a directory that two
// new files share); the first entry wins, as it does on the host.
func collect(actions []Action) *batch {
	w := &batch{}
	for _, action := range actions {
		action.addTo(w)
		w.entries = append(w.entries, w.entries.missing(action.entries)...)
	}
	return w
}

// putFile schedules a file to be written. A later version replaces an earlier one of the same path: each
// edited firewalld setting contributes the whole file, and the last one contains all edits.
func (w *batch) putFile(file remote.File) {
	w.files = slices.DeleteFunc(w.files, func(other remote.File) bool { return other.Path == file.Path })
	w.files = append(w.files, file)
}

// steps returns the number of steps of the work: of calls of [steps.do].
func (w *batch) steps() int {
	n := len(w.executables) + 2*len(w.images) // an image is sent, then imported
	for _, needed := range []bool{
		w.needsRecord(), len(w.files) > 0, len(w.packages.programs) > 0, len(w.settings()) > 0, w.firewalld.isNeeded(), len(w.pins) > 0,
	} {
		if needed {
			n++
		}
	}
	return n
}

// needsRecord reports whether there is anything to record before the first change.
func (w *batch) needsRecord() bool { return len(w.entries)+len(w.restarts()) > 0 }

// restarts lists the units that restart, firewalld included.
func (w *batch) restarts() []string {
	if w.firewalld.how != "restart" {
		return w.restart
	}
	return append(slices.Clone(w.restart), firewalldUnit)
}

// settings returns the arguments of the script that makes settings and units take effect, or none if there is nothing to
// do.
func (w *batch) settings() remote.Args {
	var sysctls, digests []string
	for _, sysctl := range w.sysctls {
		sysctls = append(sysctls, sysctl.Key+"="+sysctl.Value)
	}
	// The host remembers the digests that the uploads have verified, so that the next survey does not have to
	// hash hundreds of megabytes again.
	for _, executable := range w.executables {
		digests = append(digests, executable.SHA256+"  "+executable.Path)
	}
	reload := ""
	if w.reload {
		reload = "reload"
	}
	args := remote.Args{
		"modules": remote.Lines(w.modules...), "sysctls": remote.Lines(sysctls...), "reload": reload,
		"enable": remote.Lines(w.enable...), "start": remote.Lines(w.start...), "restart": remote.Lines(w.restart...),
		"digests": remote.Lines(digests...), "archives": remote.Lines(w.archives...),
	}
	if strings.Join(slices.Collect(maps.Values(args)), "") == "" {
		return nil
	}
	return args
}

// firewalldBatch holds the pending changes of firewalld.
type firewalldBatch struct {
	// permanent and runtime are the changes that are missing in the respective configuration.
	permanent, runtime []firewalld.Change
	// how is "restart", "reload", or empty when the changes take effect without either.
	how string
	// asked lists everything that firewalld has to have after a restart or reload, whether missing now or not.
	asked []firewalld.Change
	// filterOff reports that the restart has to remove the rule of IPv6_rpfilter from the kernel.
	filterOff bool
	// back lists the runtime settings that an earlier, interrupted run has dropped and not yet restored.
	back []firewalld.Command
}

// isNeeded reports whether firewalld has to be changed.
func (w *firewalldBatch) isNeeded() bool {
	return len(w.permanent)+len(w.runtime)+len(w.back) > 0 || w.how != ""
}
