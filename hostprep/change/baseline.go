package change

import (
	"strings"
)

// Baseline describes state that other programs (containerd, the kubelet, iptables, firewalld) change once
// they run on the host. It is recorded together with the host's first change, so that [Undo] can restore it.
type Baseline struct {
	Trees []Tree
	// Sysctls lists keys in the form of [Sysctl.Key].
	Sysctls []string
	// Tables makes Undo remove nftables tables that did not exist before, provided that they are empty:
	// iptables-nft creates a table for each chain that it is asked for, and never removes one.
	Tables bool
	// Zones lists zones that come with firewalld. As soon as anything in such a zone changes, firewalld
	// writes a file for it to /etc. Undo removes that file if it is equivalent to the one firewalld ships.
	Zones []string
}

// zoneFile returns the path at which firewalld stores its changes of a zone that it ships.
func zoneFile(zone string) string { return "/etc/firewalld/zones/" + zone + ".xml" }

// Tree is a directory that programs fill. [Undo] removes the directory if it did not exist before, else only
// the entries in it that are new.
type Tree struct {
	// Path is absolute.
	Path string
	// Copy makes Undo also restore the previous content of the directory, from a copy on the host. It is for
	// small directories. Without it, existing entries stay as the programs have left them.
	Copy bool
}

// planBaseline adds the baseline to the entries of the host's first action. It does nothing when the host
// already has a record: the programs have run by then, and their changes would be recorded as previous state.
func (p *planner) planBaseline() {
	if len(p.actions) == 0 || len(p.state.Record) > 0 {
		return
	}
	var entries []Entry
	for _, tree := range p.desired.Baseline.Trees {
		above := p.fileEntries(tree.Path)
		entry := above[len(above)-1]
		entry.Kind = KindTree
		if !tree.Copy {
			entry.Copy = ""
		}
		entries = append(entries, append(above[:len(above)-1], entry)...)
	}
	for _, key := range p.desired.Baseline.Sysctls {
		value, there := p.state.Sysctls[key]
		entries = append(entries, Entry{Kind: KindSysctl, Name: key, Absent: !there, Value: value})
	}
	for _, zone := range p.desired.Baseline.Zones {
		if entry := fileEntry(zoneFile(zone), p.state); entry.Absent {
			entries = append(entries, Entry{Kind: KindZone, Name: entry.Name, Absent: true})
		}
	}
	if tables := p.state.Tables; p.desired.Baseline.Tables && tables != nil {
		entries = append(entries, Entry{Kind: KindTables, Name: "tables", Value: *tables})
	}
	// The record is written before any action is performed, so the first action may carry all entries.
	first := &p.actions[0]
	first.entries = append(Record{}.missing(entries), first.entries...)
}

// namesOf returns the path, relative to the record, of the list of names that a directory contained.
func namesOf(dir string) string { return copyOf(dir) + ".names" }

// covers reports whether undoing a tree already restores a path, so that the path needs no handling of its
// own. A tree without a copy only removes new entries and does not restore changed ones.
func (r Record) covers(path string) bool {
	for _, entry := range r {
		if entry.Kind == KindTree && (entry.Absent || entry.Copy != "") && strings.HasPrefix(path, entry.Name+"/") {
			return true
		}
	}
	return false
}

// trees returns the paths of the trees to remove, and those of the trees of which only new entries are
// removed: as COPY=PATH where the previous content is restored from a copy, and as NAMES=PATH where it stays.
func (r Record) trees() (absent, copied, named []string) {
	for _, entry := range r {
		switch {
		case entry.Kind != KindTree:
		case entry.Absent:
			absent = append(absent, entry.Name)
		case entry.Copy != "":
			copied = append(copied, entry.Copy+"="+entry.Name)
		default:
			named = append(named, namesOf(entry.Name)+"="+entry.Name)
		}
	}
	return absent, copied, named
}
