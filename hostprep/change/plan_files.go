package change

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

const (
	rootOwner = "root:root"
	// unitDir is where dualstrap puts unit files and drop-ins; a change below it needs a daemon-reload.
	unitDir       = "/etc/systemd/system/"
	firewalldUnit = "firewalld.service"
	// rpfilterKey is the setting of firewalld.conf that adds a reverse path filter for IPv6. The filter drops
	// pods' packets: the route back to their source leads through another interface than they came in by.
	rpfilterKey = "IPv6_rpfilter"
	rpfilterOff = "no"
	// defaultConfMode is the mode of a firewalld.conf that does not exist yet.
	defaultConfMode = 0o644
)

// planFiles writes files of which content, mode or owner differ. Only a different content restarts units.
func (p *planner) planFiles() {
	for _, file := range p.desired.Files {
		owner := cmp.Or(file.Owner, rootOwner)
		there, found := p.state.Files[file.Path]
		same := found && there.isRegular() && there.SHA256 == sumOf(file.Content)
		if same && there.Mode == file.Mode && there.isOwnedBy(owner) {
			continue
		}
		if !same {
			p.touch(file.Restarts)
			p.reload = p.reload || strings.HasPrefix(file.Path, unitDir)
		}
		action := p.add(fileSummary(file, owner, there, found), func(w *batch) {
			w.putFile(remote.File{Path: file.Path, Mode: file.Mode, Owner: owner, Content: file.Content})
		}, p.fileEntries(file.Path)...)
		if !same && !file.Secret {
			action.Diff = func() string { return unified(file.Path, there, found, file.Content) }
		}
	}
}

// fileSummary describes the change of a file. It is empty if nothing changes.
func fileSummary(file File, owner string, there FileState, found bool) string {
	var parts []string
	switch {
	case !found:
		return fmt.Sprintf("create %s%s", file.Path, secretNote(file))
	case !there.isRegular():
		return fmt.Sprintf("replace %s, which is a %s%s", file.Path, there.Kind, secretNote(file))
	case there.SHA256 != sumOf(file.Content):
		parts = append(parts, fmt.Sprintf("change %s%s", file.Path, secretNote(file)))
	}
	if there.Mode != file.Mode {
		parts = append(parts, fmt.Sprintf("set mode of %s: %#o → %#o", file.Path, there.Mode, file.Mode))
	}
	if !there.isOwnedBy(owner) {
		parts = append(parts, fmt.Sprintf("set owner of %s: %s → %s", file.Path, there.Owner, owner))
	}
	return strings.Join(parts, "; ")
}

// secretNote explains why a summary has no diff.
func secretNote(file File) string {
	if file.Secret {
		return " (its content is secret)"
	}
	return ""
}

// fileEntries returns entries for the previous state of a path and for each missing parent directory, so that
// undoing removes the directories that the change creates. The entry of the path comes last.
func (p *planner) fileEntries(path string) []Entry {
	var entries []Entry
	for _, dir := range p.state.Dirs {
		if strings.HasPrefix(path, dir+"/") {
			entries = append(entries, Entry{Kind: KindDir, Name: dir, Absent: true})
		}
	}
	return append(entries, fileEntry(path, p.state))
}

// planFirewalld changes firewalld's settings, zones and policies. A setting only takes effect with a restart,
// and some changes only with a reload; both drop runtime settings, so neither is planned without need.
func (p *planner) planFirewalld() {
	if !p.state.Firewalld.Running {
		return
	}
	wanted := p.desired.Firewalld
	restart := slices.Contains(p.state.Restarts, firewalldUnit)
	// The file may already have the value while the running firewalld still has its rule in the kernel.
	restart = restart || wantsFilterOff(wanted) && p.state.Firewalld.FiltersPaths
	edited := map[string]firewalld.Conf{}
	for _, setting := range wanted.Settings {
		restart = p.planSetting(setting, edited) || restart
	}
	delta := firewalld.Missing(p.state.Firewalld, wanted.Changes)
	if restart { // it loads the permanent configuration, so runtime changes would be redundant
		delta.Runtime = nil
	}
	p.planChanges(delta)
	changes := wanted.Changes
	switch {
	case restart:
		p.add("restart firewalld", func(w *batch) {
			w.firewalld.how, w.firewalld.asked, w.firewalld.filterOff = "restart", changes, wantsFilterOff(wanted)
		})
	case delta.Reload:
		p.add("reload firewalld", func(w *batch) { w.firewalld.how, w.firewalld.asked = "reload", changes })
	}
	if back := p.state.PutBack; len(back) > 0 {
		p.add("firewalld: restore runtime settings that an earlier run dropped", func(w *batch) { w.firewalld.back = back })
	}
}

// wantsFilterOff reports whether the desired settings switch firewalld's IPv6 reverse path filter off, so that
// packets pass even if their replies leave through another interface.
func wantsFilterOff(wanted firewalld.Wanted) bool {
	return slices.ContainsFunc(wanted.Settings, func(s firewalld.Setting) bool { return s.Key == rpfilterKey && s.Value == rpfilterOff })
}

// planSetting edits one setting and reports whether it differs from the present one. edited holds the content
// of files that earlier settings have edited, so that each edit builds on the previous one.
func (p *planner) planSetting(setting firewalld.Setting, edited map[string]firewalld.Conf) bool {
	there, found := p.state.Files[setting.File]
	conf, begun := edited[setting.File]
	if !begun {
		conf = firewalld.Conf(there.Content)
	}
	value, set := conf.Lookup(setting.Key)
	if set && value == setting.Value {
		return false
	}
	after := conf.With(setting.Key, setting.Value)
	edited[setting.File] = after
	file := remote.File{Path: setting.File, Mode: there.Mode, Owner: there.OwnerID, Content: []byte(after)}
	if !found {
		file.Mode, file.Owner = defaultConfMode, rootOwner
	}
	action := p.add(fmt.Sprintf("set %s=%s in %s", setting.Key, setting.Value, setting.File), func(w *batch) { w.putFile(file) },
		Entry{
			Kind: KindSetting, Name: setting.Key, File: setting.File, Absent: !set, Value: value,
			Mode: fmt.Sprintf("%#o", file.Mode), Owner: file.Owner,
		})
	action.Diff = func() string { return unified(setting.File, FileState{Content: []byte(conf)}, found, []byte(after)) }
	return true
}

// planChanges adds one action for each missing change, whether it is missing in the permanent configuration,
// at run time, or in both.
func (p *planner) planChanges(delta firewalld.Delta) {
	for _, change := range p.desired.Firewalld.Changes {
		permanent := slices.Contains(delta.Permanent, change)
		runtime := slices.Contains(delta.Runtime, change)
		where := ""
		switch {
		case !permanent && !runtime: // nothing is missing, or the reload makes it effective
			continue
		case !permanent:
			where = " at run time"
		}
		p.add("firewalld: "+change.String()+where, func(w *batch) {
			if permanent {
				w.firewalld.permanent = append(w.firewalld.permanent, change)
			}
			if runtime {
				w.firewalld.runtime = append(w.firewalld.runtime, change)
			}
		}, changeEntry(change, p.state.Firewalld))
	}
}
