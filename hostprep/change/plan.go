package change

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// Action is one change of a host. It is plain data until [Apply] does it.
type Action struct {
	// Summary is one line for people: "create /etc/sysctl.d/90-dualstrap.conf".
	Summary string
	// Diff shows the change of a text file as a unified diff, for those who ask for it. It is nil for all else
	// and for secrets.
	Diff func() string

	entries Record
	addTo   func(*batch)
}

// Plan says what has to be done so that a host in this state is as desired, in the order in which
// people want to read it. There is nothing to do when it is empty.
func Plan(state State, desired Desired) []Action {
	p := planner{state: state, desired: desired, touched: map[string]bool{}}
	p.planPrograms()
	p.planModules()
	p.planFiles()
	p.planSysctls()
	p.planExecutables()
	p.planFirewalld()
	p.planUnits()
	p.planImages()
	p.planArchives()
	p.planBaseline()
	return p.actions
}

type planner struct {
	state   State
	desired Desired
	actions []Action
	// touched are the units of which a file changes.
	touched map[string]bool
	// reload says that a unit's own files change.
	reload bool
}

// add adds an action, with what is to be recorded before it.
func (p *planner) add(summary string, join func(*batch), entries ...Entry) *Action {
	p.actions = append(p.actions, Action{Summary: summary, entries: p.state.Record.missing(entries), addTo: join})
	return &p.actions[len(p.actions)-1]
}

func (p *planner) touch(units []string) {
	for _, unit := range units {
		p.touched[unit] = true
	}
}

func (p *planner) planPrograms() {
	manager := p.state.PackageManager
	var packages []string
	for _, program := range p.desired.Programs {
		if !slices.Contains(p.state.MissingPrograms, program.Name) {
			continue
		}
		name := program.Apt
		if manager == dnf {
			name = program.Dnf
		}
		var entries []Entry
		if !slices.Contains(packages, name) {
			packages = append(packages, name)
			entries = append(entries, Entry{Kind: KindPackage, Name: name, Absent: true})
		}
		p.add(fmt.Sprintf("install %s from package %s", program.Name, name), func(w *batch) {
			w.packages.manager = manager
			w.packages.programs = append(w.packages.programs, program.Name)
			w.packages.names = unique(append(w.packages.names, name))
		}, entries...)
	}
}

func (p *planner) planModules() {
	for _, module := range p.desired.Modules {
		if slices.Contains(p.state.Loadable, module) {
			p.add("load kernel module "+module, func(w *batch) { w.modules = append(w.modules, module) })
		}
	}
}

func (p *planner) planSysctls() {
	for _, sysctl := range p.desired.Sysctls {
		value, there := p.state.Sysctls[sysctl.Key]
		if !there && sysctl.Optional || there && sysctl.isMetBy(value) {
			continue
		}
		summary := fmt.Sprintf("set %s to %s, which is %s", sysctlName(sysctl.Key), sysctl.Value, value)
		if !there {
			summary = fmt.Sprintf("set %s to %s, which the kernel does not have yet", sysctlName(sysctl.Key), sysctl.Value)
		}
		var entries []Entry
		if !sysctl.Shared {
			entries = []Entry{{Kind: KindSysctl, Name: sysctl.Key, Absent: !there, Value: value}}
		}
		p.add(summary, func(w *batch) { w.sysctls = append(w.sysctls, sysctl) }, entries...)
	}
}

// isMetBy reports whether a setting may stay as it is.
func (s Sysctl) isMetBy(value string) bool {
	if s.Least {
		has, err := strconv.Atoi(strings.TrimSpace(value))
		wants, wrong := strconv.Atoi(s.Value)
		return err == nil && wrong == nil && has >= wants
	}
	return slices.Equal(strings.Fields(value), strings.Fields(s.Value))
}

func (p *planner) planUnits() {
	starting := map[string]bool{}
	for _, unit := range p.desired.Units {
		state := p.state.Units[unit.Name]
		before := Entry{Kind: KindUnit, Name: unit.Name, Enabled: state.isEnabled(), Running: state.isRunning()}
		if !state.isEnabled() && state.File != "static" {
			p.add("enable "+unit.Name, func(w *batch) { w.enable = append(w.enable, unit.Name) }, before)
		}
		if unit.Start && !state.isRunning() {
			starting[unit.Name] = true
			p.add("start "+unit.Name, func(w *batch) { w.start = append(w.start, unit.Name) }, before)
		}
	}
	p.planRestarts(starting)
}

// planRestarts restarts what runs and has read other files than those there will be, or an earlier
// run was to restart. What starts anyway needs none.
func (p *planner) planRestarts(starting map[string]bool) {
	stale := false
	for _, name := range p.unitNames() {
		state := p.state.Units[name]
		stale = stale || state.Stale
		pending := slices.Contains(p.state.Restarts, name)
		if (p.touched[name] || pending) && state.isRunning() && !starting[name] {
			p.add("restart "+name, func(w *batch) { w.restart = append(w.restart, name) },
				Entry{Kind: KindUnit, Name: name, Enabled: state.isEnabled(), Running: true})
		}
	}
	if p.reload || stale {
		p.add("make systemd read its units again", func(w *batch) { w.reload = true })
	}
}

// unitNames are those that were looked at, sorted.
func (p *planner) unitNames() []string {
	var names []string
	for name := range p.state.Units {
		names = append(names, name)
	}
	return unique(names)
}

func (p *planner) planImages() {
	for _, image := range p.desired.Images {
		digest, there := p.state.Images[image.Reference]
		if digest == image.Digest {
			continue
		}
		summary := "import image " + image.Reference
		if there {
			summary += " again, which is another one"
		}
		p.add(summary, func(w *batch) { w.images = append(w.images, image) },
			Entry{Kind: KindImage, Name: image.Reference, Absent: !there, Value: digest})
	}
}

// planArchives removes those of images that are there: a run was cut off between the two. Those of images
// that are not there yet are taken up.
func (p *planner) planArchives() {
	var left []string
	for _, name := range p.state.Archives {
		coming := func(image Image) bool {
			return p.state.Images[image.Reference] != image.Digest && strings.Contains(name, image.SHA256)
		}
		if !slices.ContainsFunc(p.desired.Images, coming) {
			left = append(left, name)
		}
	}
	if len(left) > 0 {
		p.add("remove archives of images that an earlier run left", func(w *batch) { w.archives = left })
	}
}

func (p *planner) planExecutables() {
	for _, executable := range p.desired.Executables {
		there, found := p.state.Files[executable.Path]
		same := found && there.SHA256 == executable.SHA256
		if same && there.isRegular() && there.Mode == executable.Mode && there.isOwnedBy(rootOwner) {
			continue
		}
		verb := "install "
		switch {
		case same:
			verb = "set mode and owner of "
		case found:
			verb = "replace "
		}
		if !same {
			p.touch(executable.Restarts)
		}
		p.add(verb+executable.Path, func(w *batch) {
			w.executables = append(w.executables, remote.Upload{
				Path: executable.Path, Mode: executable.Mode, SHA256: executable.SHA256,
				Open: executable.Open, Size: executable.Size, Gzip: true,
			})
		}, p.fileEntries(executable.Path)...)
	}
}
