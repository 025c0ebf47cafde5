package change

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// undoFirewalld removes from firewalld what it did not have before, and restores its settings. restart reports
// that an interrupted run has changed the settings already, so that the restart is still pending.
func undoFirewalld(ctx context.Context, host remote.Host, record Record, restart bool) error {
	restored, err := undoSettings(ctx, host, record)
	if err != nil {
		return err
	}
	state, err := readFirewalld(ctx, host)
	if err != nil || !state.Running {
		return err
	}
	calls, removed := undoCalls(state, record, restored || restart)
	if calls.how == "" {
		_, err := calls.make(ctx, host)
		return err
	}
	calls.back = append(firewalld.PutBack(state, nil), calls.back...)
	after, err := calls.make(ctx, host)
	if err != nil {
		return err
	}
	if lost := firewalld.Lost(state, after, removed); len(lost) > 0 {
		return fmt.Errorf("cannot preserve firewalld's runtime settings: the %s dropped: %s", calls.how, strings.Join(lost, ", "))
	}
	return nil
}

// undoCalls returns the calls that undo those of the record's changes that are still in effect, and the changes
// that are to be missing from the runtime configuration afterwards. A restart, where one is needed, replaces the
// reload that removing a zone or policy takes.
func undoCalls(state firewalld.State, record Record, restart bool) (firewalldCalls, []firewalld.Change) {
	var permanent []firewalld.Change
	var calls firewalldCalls
	runs := func(change firewalld.Change) bool { return state.Runtime.Has(change, state.DefaultZone) }
	for _, change := range record.changes(func(e Entry) bool { return e.Permanent }) {
		there := state.Permanent.Has(change, state.DefaultZone)
		if there {
			permanent = append(permanent, change)
		}
		isObject := change.Kind == firewalld.NewZone || change.Kind == firewalld.NewPolicy
		if isObject && (there || runs(change)) {
			calls.how = "reload"
		}
	}
	if restart {
		calls.how = "restart"
	}
	calls.permanent = firewalld.Undo(true, permanent)
	removed := record.changes(func(e Entry) bool { return e.Runtime })
	if calls.how == "" {
		// Removing a change that is not in effect fails, and an interrupted run may have removed some already.
		still := slices.DeleteFunc(slices.Clone(removed), func(c firewalld.Change) bool { return !runs(c) })
		calls.runtime = firewalld.Undo(false, still)
		return calls, removed
	}
	// The restart or reload drops runtime changes together with their permanent ones. Two kinds need a call:
	// those that were in effect at run time before dualstrap made them permanent are added again, and those
	// that were permanent but not in effect (an operator had removed them at run time) are removed again.
	kept := record.changes(func(e Entry) bool { return e.Permanent && !e.Runtime })
	runtime := record.changes(func(e Entry) bool { return e.Runtime && !e.Permanent })
	calls.back = slices.Concat(firewalld.Commands(false, kept), firewalld.Undo(false, runtime))
	return calls, removed
}

// changes returns the recorded changes of firewalld for which chosen returns true, oldest first.
func (r Record) changes(chosen func(Entry) bool) []firewalld.Change {
	var changes []firewalld.Change
	for _, entry := range r {
		if entry.Kind == KindFirewalld && entry.Change != nil && chosen(entry) {
			changes = append(changes, *entry.Change)
		}
	}
	return changes
}

// leftovers returns the backup files that firewalld leaves behind when it removes a zone or policy.
func leftovers(record Record) []string {
	var files []string
	for _, entry := range record {
		if entry.Change == nil {
			continue
		}
		switch entry.Change.Kind {
		case firewalld.NewZone:
			files = append(files, "/etc/firewalld/zones/"+entry.Change.Value+".xml.old")
		case firewalld.NewPolicy:
			files = append(files, "/etc/firewalld/policies/"+entry.Change.Value+".xml.old")
		}
	}
	return files
}

// undoSettings restores the settings in firewalld's own files, and reports whether any differed from its
// previous value. Everything else in the files, edited by others in the meantime, is preserved.
func undoSettings(ctx context.Context, host remote.Host, record Record) (bool, error) {
	restored := false
	for _, entry := range record {
		if entry.Kind != KindSetting {
			continue
		}
		content, err := host.ReadFile(ctx, entry.File)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		before := firewalld.Conf(content)
		after := before.Without(entry.Name)
		if !entry.Absent {
			after = before.With(entry.Name, entry.Value)
		}
		if after == before {
			continue
		}
		restored = true
		// The file has its previous content after an interruption, and no longer tells that the running
		// firewalld has not read it. So the pending restart is stored first.
		pending := remote.Args{"copies": "", "absent": "", "restarts": firewalldUnit, "named": "", "entries": ""}
		if err := run(ctx, host, "record that firewalld has to restart", "record", pending); err != nil {
			return false, err
		}
		mode, err := strconv.ParseUint(entry.Mode, 8, 32)
		if err != nil {
			return false, fmt.Errorf("cannot read the mode of %s in the host's record: %w", entry.File, err)
		}
		file := remote.File{Path: entry.File, Mode: fs.FileMode(mode), Owner: entry.Owner, Content: []byte(after)}
		if _, err := host.WriteFiles(ctx, []remote.File{file}); err != nil {
			return false, err
		}
	}
	return restored, nil
}
