package change

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// Kind is the type of the thing that an Entry describes. Hosts keep these values in their records, so a
// published value never changes.
type Kind string

// The kinds of entries.
const (
	KindFile Kind = "file"
	// KindDir is a directory that was created for a file. Its value is the word of the first versions.
	KindDir Kind = "folder"
	// KindTree is a [Tree].
	KindTree    Kind = "tree"
	KindSysctl  Kind = "sysctl"
	KindUnit    Kind = "unit"
	KindPackage Kind = "package"
	KindImage   Kind = "image"
	// KindSetting is a line of firewalld.conf.
	KindSetting Kind = "firewalld-setting"
	// KindFirewalld is a [firewalld.Change].
	KindFirewalld Kind = "firewalld"
	// KindTables is the list of all nftables tables that existed, see [Baseline.Tables].
	KindTables Kind = "nftables"
	// KindZone is the file of a zone that firewalld ships, see [Baseline.Zones].
	KindZone Kind = "firewalld-zone"
)

// Entry describes the state of one thing before it was changed for the first time.
type Entry struct {
	Kind Kind `json:"kind"`
	// Name identifies the thing: a path, a key, the name of a unit or package, or an image reference.
	Name string `json:"name"`
	// Absent reports that the thing did not exist.
	Absent bool `json:"absent,omitempty"`
	// Value is the previous value of a sysctl or setting, the previous digest of an image, or the list of
	// previous nftables tables, one per line.
	Value string `json:"value,omitempty"`
	// Copy is the path of a copy of the previous file or directory, relative to the record.
	Copy string `json:"copy,omitempty"`
	// File is the path of the file that contains a setting. Mode (octal) and Owner (USER:GROUP) are the file's.
	File  string `json:"file,omitempty"`
	Mode  string `json:"mode,omitempty"`
	Owner string `json:"owner,omitempty"`
	// Enabled and Running are the previous state of a unit.
	Enabled bool `json:"enabled,omitempty"`
	Running bool `json:"running,omitempty"`
	// Change is missing from firewalld's permanent configuration if Permanent is set, and from its runtime
	// configuration if Runtime is set.
	Change    *firewalld.Change `json:"change,omitempty"`
	Permanent bool              `json:"permanent,omitempty"`
	Runtime   bool              `json:"runtime,omitempty"`
}

// Record describes the state of a host before dualstrap changed it, in the order of the changes. The host
// keeps it in /var/lib/dualstrap/record.jsonl, one entry per line, with copies of the previous files beside
// it. An entry is written before its change is made, so that no change is ever without one, and is immutable
// afterwards.
type Record []Entry

// ParseRecord parses a record. Empty data is an empty record.
func ParseRecord(data []byte) (Record, error) {
	var record Record
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var entry Entry
		err := decoder.Decode(&entry)
		if errors.Is(err, io.EOF) {
			return record, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the host's record of changes in %s: %w", stateDir, err)
		}
		record = append(record, entry)
	}
}

// encode returns the bytes that are appended to the host's record. Characters of HTML stay as they are, so
// that administrators can read the record.
func (r Record) encode() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, entry := range r {
		if err := encoder.Encode(entry); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// missing returns those of the entries that the record does not have, without duplicates.
func (r Record) missing(entries []Entry) Record {
	var missing Record
	for i := range entries {
		if entry := &entries[i]; !r.isAbout(entry) && !missing.isAbout(entry) {
			missing = append(missing, *entry)
		}
	}
	return missing
}

// isAbout reports whether the record has an entry about the same thing, identified by kind and name.
func (r Record) isAbout(entry *Entry) bool {
	for i := range r {
		if r[i].Kind == entry.Kind && r[i].Name == entry.Name {
			return true
		}
	}
	return false
}

// fileEntry returns an entry for the previous state of a path: absent, or with the place of its copy.
func fileEntry(path string, state State) Entry {
	entry := Entry{Kind: KindFile, Name: path}
	if _, there := state.Files[path]; there {
		entry.Copy = copyOf(path)
	} else {
		entry.Absent = true
	}
	return entry
}

// copyOf returns the path, relative to the record, of the copy of a file or directory. It is a hash of the
// original path, since that would need escaping as a file name.
func copyOf(path string) string {
	sum := sha256.Sum256([]byte(path))
	return "before/" + hex.EncodeToString(sum[:8])
}

// changeEntry returns an entry for a change that is missing from firewalld, permanently or at run time. The
// entry names the default zone explicitly, because another zone may be the default when the change is undone.
func changeEntry(change firewalld.Change, state firewalld.State) Entry {
	if change.Zone == "" && change.Policy == "" && change.Kind != firewalld.NewZone && change.Kind != firewalld.NewPolicy {
		change.Zone = state.DefaultZone
	}
	return Entry{
		Kind: KindFirewalld, Name: change.String(), Change: &change,
		Permanent: !state.Permanent.Has(change, state.DefaultZone),
		Runtime:   !state.Runtime.Has(change, state.DefaultZone),
	}
}
