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

// Undo goes back to what the host's record says, and removes the record. What was not changed by
// [Apply], and is in no [Tree], stays. Where a host has no record there is nothing to undo. It can be cut
// off anywhere and called again; the last files go last, because they say what the host is.
//
// Kernel modules stay loaded until the next start, packages stay when others need them, and an image
// that was replaced by another one is not brought back.
func Undo(ctx context.Context, host remote.Host, last ...string) error {
	traces, err := ReadUndoState(ctx, host)
	if err != nil || !traces.Any {
		return err
	}
	record := traces.Record
	files, lastFiles := splitLast(record.names(KindFile), func(name string) bool { return slices.Contains(last, name) })
	dirs, lastDirs := splitLast(deepestFirst(record.names(KindDir)), func(name string) bool {
		return slices.ContainsFunc(last, func(path string) bool { return strings.HasPrefix(path, name+"/") })
	})
	if err := undoSystem(ctx, host, record, files, dirs); err != nil {
		return err
	}
	if err := undoFirewalld(ctx, host, record, slices.Contains(traces.restarts, firewalldUnit)); err != nil {
		return err
	}
	return runExclusive(ctx, host, "remove the record of changes", "finish_undo",
		record.names(KindPackage), leftovers(record), record.names(KindZone), lastFiles, lastDirs)
}

// UndoState are what a host keeps of changes.
type UndoState struct {
	// Any says that there is something, even if it is no whole record.
	Any    bool
	Record Record

	restarts []string
}

// ReadUndoState reads what there is to undo on a host.
func ReadUndoState(ctx context.Context, host remote.Reader) (UndoState, error) {
	text, err := body("record_read")
	if err != nil {
		return UndoState{}, err
	}
	answer, err := host.Probe(ctx, remote.Script{Name: "look for what there is to undo", Body: text})
	if err != nil {
		return UndoState{}, err
	}
	_, found := answer.Values["traces"]
	traces := UndoState{Any: found, restarts: lines(answer.Text("restart"))}
	traces.Record, err = ParseRecord(answer.Values["record"].Output)
	return traces, err
}

// splitLast takes out what is to go last.
func splitLast(names []string, isLast func(string) bool) (others, last []string) {
	for _, name := range names {
		if isLast(name) {
			last = append(last, name)
		} else {
			others = append(others, name)
		}
	}
	return others, last
}

// run runs one of the package's scripts; lists are one item a line.
func run(ctx context.Context, host remote.Host, name, script string, lists ...[]string) error {
	text, err := body(script)
	if err != nil {
		return err
	}
	return runBody(ctx, host, name, text, lists)
}

// runExclusive is run for scripts that undo: not two at once.
func runExclusive(ctx context.Context, host remote.Host, name, script string, lists ...[]string) error {
	text, err := body("undo_lock", script)
	if err != nil {
		return err
	}
	return runBody(ctx, host, name, text, lists)
}

func runBody(ctx context.Context, host remote.Host, name, text string, lists [][]string) error {
	args := make([]string, len(lists))
	for i, list := range lists {
		args[i] = strings.Join(list, "\n")
	}
	_, err := host.Run(ctx, remote.Script{Name: name, Body: text, Args: args})
	return err
}

// names gives the names of the entries of a kind for which there was nothing before, the last first.
func (r Record) names(kind Kind) []string {
	var names []string
	for _, entry := range slices.Backward(r) {
		if entry.Kind == kind && entry.Absent {
			names = append(names, entry.Name)
		}
	}
	return names
}

func undoSystem(ctx context.Context, host remote.Host, record Record, files, dirs []string) error {
	var stop, disable, start, copies, sysctls, tables []string
	for _, entry := range slices.Backward(record) {
		switch entry.Kind {
		case KindUnit:
			if entry.Running {
				start = append(start, entry.Name)
			} else {
				stop = append(stop, entry.Name)
			}
			if !entry.Enabled {
				disable = append(disable, entry.Name)
			}
		case KindFile:
			if !entry.Absent && !record.covers(entry.Name) {
				copies = append(copies, entry.Copy+"="+entry.Name)
			}
		case KindSysctl:
			if !entry.Absent {
				sysctls = append(sysctls, entry.Name+"="+entry.Value)
			}
		case KindTables:
			tables = append([]string{"known"}, lines(entry.Value)...)
		}
	}
	gone, copied, named := record.trees()
	images := record.names(KindImage)
	if slices.Contains(gone, imageStore) {
		images = nil // one by one takes longer than all together
	}
	files = slices.DeleteFunc(files, record.covers)
	dirs = slices.DeleteFunc(dirs, record.covers)
	return runExclusive(ctx, host, "undo changes", "undo",
		images, stop, disable, gone, copied, named, copies, files, dirs, start, sysctls, tables)
}

// imageStore is where containerd keeps images.
const imageStore = "/var/lib/containerd"

func deepestFirst(dirs []string) []string {
	slices.Sort(dirs)
	slices.Reverse(dirs)
	return dirs
}

// undoFirewalld takes from firewalld what it did not have.
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
		return fmt.Errorf("cannot keep what firewalld had: the %s took it away: %s", calls.how, strings.Join(lost, ", "))
	}
	return nil
}

// undoCalls takes back, of what the record says, what is still there.
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
	if restart { // it stands for a reload
		calls.how = "restart"
	}
	calls.permanent = firewalld.Undo(true, permanent)
	removed := record.changes(func(e Entry) bool { return e.Runtime })
	if calls.how == "" {
		// An earlier run may have been cut off after this: what is gone cannot be removed.
		still := slices.DeleteFunc(slices.Clone(removed), func(c firewalld.Change) bool { return !runs(c) })
		calls.runtime = firewalld.Undo(false, still)
		return calls, removed
	}
	// What is at run time because it is permanent goes by itself. Others somebody had until the next
	// restart before they became so, or had not although they were.
	kept := record.changes(func(e Entry) bool { return e.Permanent && !e.Runtime })
	runtime := record.changes(func(e Entry) bool { return e.Runtime && !e.Permanent })
	calls.back = slices.Concat(firewalld.Commands(false, kept), firewalld.Undo(false, runtime))
	return calls, removed
}

// changes gives those of firewalld's changes that are chosen.
func (r Record) changes(chosen func(Entry) bool) []firewalld.Change {
	var changes []firewalld.Change
	for _, entry := range r {
		if entry.Kind == KindFirewalld && entry.Change != nil && chosen(entry) {
			changes = append(changes, *entry.Change)
		}
	}
	return changes
}

// leftovers are what firewalld keeps of zones and policies that were removed.
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

// undoSettings sets back what was set in firewalld's own files, and reports whether it had to.
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
		if err := run(ctx, host, "note that firewalld is to be restarted", "record", nil, nil, []string{firewalldUnit}, nil); err != nil {
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
