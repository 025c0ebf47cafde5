package change

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// stateDir is where a host keeps what this package has to remember.
const stateDir = "/var/lib/dualstrap"

//go:embed scripts/*.sh
var scripts embed.FS

// body gives the scripts one after the other, with what they share before them.
func body(names ...string) (string, error) {
	var all strings.Builder
	all.WriteString("state=" + stateDir + "\n" + remote.LockScript())
	for _, name := range names {
		text, err := scripts.ReadFile("scripts/" + name + ".sh")
		if err != nil {
			return "", fmt.Errorf("cannot read a script of this program: %w", err)
		}
		all.Write(text)
	}
	return all.String(), nil
}

// Survey reads, in one round trip, what a host has of what it has to be.
func Survey(ctx context.Context, host remote.Reader, desired Desired) (State, error) {
	request, err := newRequest(desired)
	if err != nil {
		return State{}, err
	}
	text, err := body("firewalld_read", "survey")
	if err != nil {
		return State{}, err
	}
	answer, err := host.Probe(ctx, remote.Script{Name: "look at what may have to change", Body: text, Args: request.args()})
	if err != nil {
		return State{}, err
	}
	return request.parse(answer)
}

// request is what is asked of a host: each field is one argument, a list of one item a line.
type request struct {
	files, hashed    []string
	shown            []shownFile
	sysctls, modules []string
	units, programs  []string
	zones, policies  []string
	desiresFirewalld bool
}

// shownFile is a file whose content is wanted unless its digest is this one.
type shownFile struct{ path, sum string }

// noSum is no file's digest.
const noSum = "0000000000000000000000000000000000000000000000000000000000000000"

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

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

// restartable are the units that files and executables belong to.
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

// check refuses what would not be one item of a list, or no path.
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
			return fmt.Errorf("cannot look for %q on a host: it is no clean absolute path", file)
		}
	}
	return nil
}

// lists are those of the script, in the order of its arguments.
func (r request) lists() [][]string {
	shown := make([]string, len(r.shown))
	for i, file := range r.shown {
		shown[i] = file.sum + "  " + file.path
	}
	return [][]string{r.files, shown, r.hashed, r.sysctls, r.modules, r.units, r.programs, r.zones, r.policies}
}

func (r request) args() []string {
	var args []string
	for _, list := range r.lists() {
		args = append(args, strings.Join(list, "\n"))
	}
	if r.desiresFirewalld {
		args = append(args, "firewalld")
	}
	return args
}
