package change

import (
	"strings"
)

// Baseline is what programs change that run on the host later. It is recorded together with the host's
// first change, so that [Undo] goes back to it.
type Baseline struct {
	Trees []Tree
	// Sysctls are keys, as that of a [Sysctl].
	Sysctls []string
	// Tables removes nftables tables that there were not, once nothing is left in them: iptables makes
	// one for each chain that it is asked for, and never removes any.
	Tables bool
	// Zones are firewalld's own, of which it makes a file in /etc as soon as anything in them changes. The
	// file goes when it says no more than what firewalld brings.
	Zones []string
}

// zoneFile is where firewalld keeps what is not as it brings it.
func zoneFile(zone string) string { return "/etc/firewalld/zones/" + zone + ".xml" }

// Tree is a directory that programs fill. Undone, it is gone where there was none; where there was one,
// what has come into it is gone.
type Tree struct {
	// Path is absolute.
	Path string
	// Copy brings back what was in the directory as it was. It is for directories that are small. Without it
	// what was there stays as programs have left it.
	Copy bool
}

// planBaseline adds to a host's first change what is to be recorded beside it. Later it would be too late:
// the programs have run.
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
	first := &p.actions[0]
	first.entries = append(Record{}.missing(entries), first.entries...)
}

// namesOf is where the names of what was in a directory are kept, relative to the record.
func namesOf(dir string) string { return copyOf(dir) + ".names" }

// covers reports whether undoing the trees decides what is at a path: there is nothing to be done about
// it by itself.
func (r Record) covers(path string) bool {
	for _, entry := range r {
		if entry.Kind == KindTree && (entry.Absent || entry.Copy != "") && strings.HasPrefix(path, entry.Name+"/") {
			return true
		}
	}
	return false
}

// trees gives those that are to go, and those of which what has come is to go: as COPY=PATH where what
// was there comes back, and NAMES=PATH where it stays.
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
