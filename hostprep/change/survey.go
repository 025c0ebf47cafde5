package change

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// stateDir is the directory on the host that holds the record and everything else that this package remembers
// between runs. The script state.sh uses the same path.
const stateDir = "/var/lib/dualstrap"

// Survey reads the state of everything that the desired state mentions, in one round trip. It changes nothing
// on the host.
func Survey(ctx context.Context, host remote.Reader, desired Desired) (State, error) {
	request, err := newRequest(desired)
	if err != nil {
		return State{}, err
	}
	answer, err := probe(ctx, host, "survey the host", request.args(), "firewalld_read", "survey")
	if err != nil {
		return State{}, err
	}
	return request.parse(answer)
}

// request holds the arguments of the survey script.
type request struct {
	// files lists the paths whose type, mode and owner are read, hashed those of which only the digest is read
	// (executables, which are large, and secrets).
	files, hashed []string
	// shown lists the files whose content is read, too, if it differs from the desired one.
	shown            []shownFile
	sysctls, modules []string
	units, programs  []string
	zones, policies  []string
	// desiresFirewalld makes the script read firewalld at all.
	desiresFirewalld bool
}

// shownFile is a file whose content the host sends unless its SHA-256 digest is sum.
type shownFile struct{ path, sum string }

// noSum is a digest that matches no file in practice. With it, the host always sends a file's content.
const noSum = "0000000000000000000000000000000000000000000000000000000000000000"

// sumOf returns the SHA-256 digest of content in hexadecimal.
func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// newRequest collects what has to be read to plan for the desired state, and validates it.
func newRequest(desired Desired) (request, error) {
	var r request
	for _, file := range desired.Files {
		r.files = append(r.files, file.Path)
		if file.Secret {
			r.hashed = append(r.hashed, file.Path)
		} else {
			r.shown = append(r.shown, shownFile{path: file.Path, sum: sumOf(file.Content)})
		}
	}
	for _, executable := range desired.Executables {
		r.files = append(r.files, executable.Path)
		r.hashed = append(r.hashed, executable.Path)
	}
	for _, tree := range desired.Baseline.Trees {
		r.files = append(r.files, tree.Path)
	}
	for _, zone := range desired.Baseline.Zones {
		r.files = append(r.files, zoneFile(zone))
	}
	for _, sysctl := range desired.Sysctls {
		r.sysctls = append(r.sysctls, sysctl.Key)
	}
	r.sysctls = append(r.sysctls, desired.Baseline.Sysctls...)
	for _, unit := range desired.Units {
		r.units = append(r.units, unit.Name)
	}
	r.units = append(r.units, restartable(desired)...)
	slices.Sort(r.units)
	r.units = slices.Compact(r.units)
	for _, program := range desired.Programs {
		r.programs = append(r.programs, program.Name)
	}
	r.modules = desired.Modules
	if wanted := desired.Firewalld; len(wanted.Changes)+len(wanted.Settings) > 0 {
		r.desiresFirewalld = true
		r.zones, r.policies = firewalld.Names(wanted.Changes)
		for _, setting := range wanted.Settings {
			r.files = append(r.files, setting.File)
			r.shown = append(r.shown, shownFile{path: setting.File, sum: noSum})
		}
	}
	return r, r.check()
}

// restartable returns the units that a change of a file or executable restarts.
func restartable(desired Desired) []string {
	var units []string
	for _, file := range desired.Files {
		units = append(units, file.Restarts...)
	}
	for _, executable := range desired.Executables {
		units = append(units, executable.Restarts...)
	}
	return units
}

// check returns an error for an item that would break its list (empty, or with a line end) and for a path
// that is not clean and absolute: the script takes paths apart, and reports them exactly as they were given.
func (r request) check() error {
	for _, list := range r.lists() {
		for _, item := range list {
			if item == "" || strings.ContainsAny(item, "\n\x00") {
				return fmt.Errorf("cannot look for %q on a host: it is empty or has a line end in it", item)
			}
		}
	}
	for _, file := range r.files {
		if !path.IsAbs(file) || path.Clean(file) != file {
			return fmt.Errorf("cannot look for %q on a host: not a clean absolute path", file)
		}
	}
	return nil
}

// lists returns the script's arguments that are lists.
func (r request) lists() map[string][]string {
	shown := make([]string, len(r.shown))
	for i, file := range r.shown {
		shown[i] = file.sum + "  " + file.path
	}
	return map[string][]string{
		"files": r.files, "contents": shown, "hashed": r.hashed, "keys": r.sysctls, "modules": r.modules, "units": r.units,
		"programs": r.programs, "zones": r.zones, "policies": r.policies,
	}
}

// args returns the script's arguments.
func (r request) args() remote.Args {
	args := remote.Args{"firewalld": ""}
	if r.desiresFirewalld {
		args["firewalld"] = "yes"
	}
	for name, list := range r.lists() {
		args[name] = remote.Lines(list...)
	}
	return args
}
