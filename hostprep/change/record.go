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

// Kind says what an Entry is about.
type Kind string

// The kinds of entries.
const (
	KindFile      Kind = "file"
	KindDir       Kind = "folder"
	KindTree      Kind = "tree"
	KindSysctl    Kind = "sysctl"
	KindUnit      Kind = "unit"
	KindPackage   Kind = "package"
	KindImage     Kind = "image"
	KindSetting   Kind = "firewalld-setting"
	KindFirewalld Kind = "firewalld"
	KindTables    Kind = "nftables"
	KindZone      Kind = "firewalld-zone"
)

// Entry is what one thing was before it was changed for the first time.
type Entry struct {
	Kind Kind `json:"kind"`
	// Name is a path, a key, the name of a unit or package, a reference.
	Name string `json:"name"`
	// Absent says that there was none.
	Absent bool `json:"absent,omitempty"`
	// Value is what a sysctl or a setting was, or the nftables tables that there were, one a line.
	Value string `json:"value,omitempty"`
	// Copy is where a file as it was lies, relative to the record.
	Copy string `json:"copy,omitempty"`
	// File is the one a setting is in, with its mode in octal and its owner.
	File  string `json:"file,omitempty"`
	Mode  string `json:"mode,omitempty"`
	Owner string `json:"owner,omitempty"`
	// Enabled and Running are what a unit was.
	Enabled bool `json:"enabled,omitempty"`
	Running bool `json:"running,omitempty"`
	// Change is what firewalld did not have, Permanent and Runtime say where.
	Change    *firewalld.Change `json:"change,omitempty"`
	Permanent bool              `json:"permanent,omitempty"`
	Runtime   bool              `json:"runtime,omitempty"`
}

// Record is what was found on a host before anything was changed, in the order of the changes. It is
// kept on the host in /var/lib/dualstrap/record.jsonl, one entry a line, with the files as they were
// beside it. An entry is written before its change is made, so that it is there whenever the change
// is, and never changed afterwards.
type Record []Entry

// ParseRecord reads a record.
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

// encode gives the bytes that are added to the host's record.
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

// missing gives the entries that the record does not have.
func (r Record) missing(entries []Entry) Record {
	var missing Record
	for i := range entries {
		if entry := &entries[i]; !r.isAbout(entry) && !missing.isAbout(entry) {
			missing = append(missing, *entry)
		}
	}
	return missing
}

// isAbout reports whether the record has an entry about the same thing.
func (r Record) isAbout(entry *Entry) bool {
	for i := range r {
		if r[i].Kind == entry.Kind && r[i].Name == entry.Name {
			return true
		}
	}
	return false
}

// fileEntry records what is at a path.
func fileEntry(path string, state State) Entry {
	entry := Entry{Kind: KindFile, Name: path}
	if _, there := state.Files[path]; there {
		entry.Copy = copyOf(path)
	} else {
		entry.Absent = true
	}
	return entry
}

// copyOf is where a copy of what is at a path lies, relative to the record.
func copyOf(path string) string {
	sum := sha256.Sum256([]byte(path))
	return "before/" + hex.EncodeToString(sum[:8])
}

// changeEntry records that firewalld does not have something.
func changeEntry(change firewalld.Change, state firewalld.State) Entry {
	if change.Zone == "" && change.Policy == "" && change.Kind != firewalld.NewZone && change.Kind != firewalld.NewPolicy {
		change.Zone = state.DefaultZone // it may be another one by the time this is read
	}
	return Entry{
		Kind: KindFirewalld, Name: change.String(), Change: &change,
		Permanent: !state.Permanent.Has(change, state.DefaultZone),
		Runtime:   !state.Runtime.Has(change, state.DefaultZone),
	}
}
