package change

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// Action is a single change of a host. It has no effect until [Apply] performs it.
type Action struct {
	// Summary describes the action in one line: "create /etc/sysctl.d/90-dualstrap.conf".
	Summary string
	// Diff returns the change of a text file as a unified diff. It is a function because most runs never show
	// diffs. It is nil for actions that do not change a text file, and for secrets.
	Diff func() string

	// entries hold the previous state of everything that the action changes.
	entries Record
	// addTo adds the action's work to a batch.
	addTo func(*batch)
}

// Plan returns the actions that bring a host from its state to the desired one. The result is empty if the
// host is in the desired state. The order is for readers; [Apply] has an order of its own.
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

// planner collects the actions. The steps of [Plan] run in a fixed order: files and executables come before
// units, because they decide which units are restarted.
type planner struct {
	state   State
	desired Desired
	actions []Action
	// touched is the set of units of which a configuration file or executable changes.
	touched map[string]bool
	// reload reports that the unit files themselves change, so that systemd has to read them again.
	reload bool
}

// add appends an action. Entries that the host's record already has are dropped: the first one recorded is
// the state before dualstrap.
func (p *planner) add(summary string, join func(*batch), entries ...Entry) *Action {
	p.actions = append(p.actions, Action{Summary: summary, entries: p.state.Record.missing(entries), addTo: join})
	return &p.actions[len(p.actions)-1]
}

// touch marks units whose files change.
func (p *planner) touch(units []string) {
	for _, unit := range units {
		p.touched[unit] = true
	}
}

// planPrograms installs the packages of missing programs.
func (p *planner) planPrograms() {
	var packages []string
	for _, program := range p.desired.Programs {
		if !slices.Contains(p.state.MissingPrograms, program.Name) {
			continue
		}
		// Several programs may come from one package. It is recorded, and later removed, only once.
		var entries []Entry
		if !slices.Contains(packages, program.Package) {
			packages = append(packages, program.Package)
			entries = append(entries, Entry{Kind: KindPackage, Name: program.Package, Absent: true})
		}
		summary := "install " + program.Name
		if program.Package != "" {
			summary += " from package " + program.Package
		}
		p.add(summary, func(w *batch) {
			w.packages.family = p.desired.Family
			w.packages.programs = append(w.packages.programs, program.Name)
			w.packages.names = unique(append(w.packages.names, program.Package))
		}, entries...)
	}
}

// planModules loads modules now; a file of modules-load.d loads them at the next boot. Undo leaves them loaded, so they
// need no entry in the record.
func (p *planner) planModules() {
	for _, module := range p.desired.Modules {
		if slices.Contains(p.state.Loadable, module) {
			p.add("load kernel module "+module, func(w *batch) { w.modules = append(w.modules, module) })
		}
	}
}

// planSysctls sets values at run time that differ from the desired ones.
func (p *planner) planSysctls() {
	for _, sysctl := range p.desired.Sysctls {
		value, there := p.state.Sysctls[sysctl.Key]
		if !there && sysctl.Optional || there && sysctl.isMetBy(value) {
			continue
		}
		summary := fmt.Sprintf("set %s: %s → %s", sysctlName(sysctl.Key), value, sysctl.Value)
		if !there { // loading a module of the same plan may create the key
			summary = fmt.Sprintf("set %s to %s (the kernel does not have it yet)", sysctlName(sysctl.Key), sysctl.Value)
		}
		var entries []Entry
		if !sysctl.Shared {
			entries = []Entry{{Kind: KindSysctl, Name: sysctl.Key, Absent: !there, Value: value}}
		}
		p.add(summary, func(w *batch) { w.sysctls = append(w.sysctls, sysctl) }, entries...)
	}
}

// isMetBy reports whether the present value satisfies the setting. The kernel separates the numbers of a
// setting by tabs, files of sysctl.d by spaces.
func (s Sysctl) isMetBy(value string) bool {
	if s.Least {
		has, err := strconv.Atoi(strings.TrimSpace(value))
		wants, wrong := strconv.Atoi(s.Value)
		return err == nil && wrong == nil && has >= wants
	}
	return slices.Equal(strings.Fields(value), strings.Fields(s.Value))
}

// planUnits enables and starts units. A static unit has no [Install] section and cannot be enabled.
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

// planRestarts restarts running units whose files change, and those whose restart an earlier, interrupted run
// left pending. Units that this plan starts read the new files anyway.
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
		p.add("reload systemd units", func(w *batch) { w.reload = true })
	}
}

// unitNames returns the surveyed units, sorted.
func (p *planner) unitNames() []string {
	var names []string
	for name := range p.state.Units {
		names = append(names, name)
	}
	return unique(names)
}

// planImages imports images that are missing or whose reference points to another digest. Hosts cannot pull an image of the
// bundle again, so all are pinned: the kubelet would remove unused ones when its disk is nearly full.
func (p *planner) planImages() {
	for _, image := range p.desired.Images {
		digest, there := p.state.Images[image.Reference]
		if digest == image.Digest {
			if !p.state.Pinned[image.Reference] {
				p.add("pin image "+image.Reference, func(w *batch) { w.pins = append(w.pins, image.Reference) })
			}
			continue
		}
		summary := "import image " + image.Reference
		if there {
			summary = "re-import image " + image.Reference + " (digest changed)"
		}
		p.add(summary, func(w *batch) { w.images = append(w.images, image) },
			Entry{Kind: KindImage, Name: image.Reference, Absent: !there, Value: digest})
	}
}

// planArchives removes archives of images that an earlier run left behind because it was interrupted between
// import and removal. Archives, whole or partial, of images that are still to be imported stay: their upload
// resumes.
func (p *planner) planArchives() {
	var stale []string
	for _, name := range p.state.Archives {
		isPending := func(image Image) bool {
			return p.state.Images[image.Reference] != image.Digest && strings.Contains(name, image.SHA256)
		}
		if !slices.ContainsFunc(p.desired.Images, isPending) {
			stale = append(stale, name)
		}
	}
	if len(stale) > 0 {
		p.add("remove archives of images that an earlier run left", func(w *batch) { w.archives = stale })
	}
}

// planExecutables uploads executables of which content, mode or owner differ. If only mode or owner do, the units that
// run the executable are not restarted.
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
