package change

import (
	"context"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/osfamily"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// Undo restores the state in the host's record and removes the record. Anything that [Apply] did not change,
// and that is not in a [Tree], is left alone. Undo does nothing on a host without a record. It may be
// interrupted at any point and called again. The files named in last are removed at the very end: they mark
// the host as a node of its cluster, so that an interrupted run finds out that there is more to undo. family is the one
// whose package manager removes packages.
//
// Kernel modules stay loaded until the next reboot, packages that other packages need stay installed, and an
// image that was replaced by another one is not restored.
func Undo(ctx context.Context, host remote.Host, family osfamily.Family, last ...string) error {
	traces, err := ReadUndoState(ctx, host)
	if err != nil || !traces.Any {
		return err
	}
	record := traces.Record
	// The directories of the last files can only be removed after those files.
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
	forget, err := script(family.Script(), "remove the record of changes", remote.Args{
		"packages": remote.Lines(record.names(KindPackage)...), "files": remote.Lines(leftovers(record)...),
		"zones": remote.Lines(record.names(KindZone)...), "last": remote.Lines(lastFiles...), "dirs": remote.Lines(lastDirs...),
	}, "undo_lock", "finish_undo")
	if err != nil {
		return err
	}
	_, err = host.Run(ctx, forget)
	return err
}

// UndoState describes what a host has stored about changes.
type UndoState struct {
	// Any reports that the state directory exists, even if it does not contain a record: a run may have been
	// interrupted before it wrote the record or while it removed the directory.
	Any    bool
	Record Record

	// restarts lists the units whose restart is pending.
	restarts []string
}

// ReadUndoState reads the host's record and what else it has stored about changes.
func ReadUndoState(ctx context.Context, host remote.Reader) (UndoState, error) {
	answer, err := probe(ctx, host, "read the record of changes", nil, "record_read")
	if err != nil {
		return UndoState{}, err
	}
	_, found := answer.Values["traces"]
	traces := UndoState{Any: found, restarts: lines(answer.Text("restart"))}
	traces.Record, err = ParseRecord(answer.Values["record"].Output)
	return traces, err
}

// splitLast partitions the names by isLast and keeps their order.
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

// names returns the entries of a kind that did not exist before dualstrap, most recent first.
func (r Record) names(kind Kind) []string {
	var names []string
	for _, entry := range slices.Backward(r) {
		if entry.Kind == kind && entry.Absent {
			names = append(names, entry.Name)
		}
	}
	return names
}

// undoSystem undoes everything but firewalld's changes and packages: images, units, trees, files, directories,
// sysctls and nftables tables.
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
			// The first line tells an empty list, which means that there were no tables, from no list at all.
			tables = append([]string{"known"}, lines(entry.Value)...)
		}
	}
	gone, copied, named := record.trees()
	images := record.names(KindImage)
	if slices.Contains(gone, imageStore) {
		images = nil // they go with the whole store, which is faster than removing them one by one
	}
	// Trees restore these paths.
	files = slices.DeleteFunc(files, record.covers)
	dirs = slices.DeleteFunc(dirs, record.covers)
	return runExclusive(ctx, host, "undo changes", "undo", remote.Args{
		"images": remote.Lines(images...), "stop": remote.Lines(stop...), "disable": remote.Lines(disable...),
		"gone": remote.Lines(gone...), "copied": remote.Lines(copied...), "named": remote.Lines(named...),
		"copies": remote.Lines(copies...), "absent": remote.Lines(files...), "dirs": remote.Lines(dirs...),
		"start": remote.Lines(start...), "sysctls": remote.Lines(sysctls...), "tables": remote.Lines(tables...),
	})
}

// imageStore is the directory in which containerd stores images.
const imageStore = "/var/lib/containerd"

// deepestFirst sorts directories so that each comes after everything below it: rmdir needs them empty.
func deepestFirst(dirs []string) []string {
	slices.Sort(dirs)
	slices.Reverse(dirs)
	return dirs
}
