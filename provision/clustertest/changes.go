package clustertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// survey answers what is on the host of all that may have to change.
func survey(h *Host, script remote.Script, answer *answers) error {
	args := script.Args
	var stats, dirs, sums strings.Builder
	for _, name := range lines(args["files"]) {
		switch file, is := h.files[name]; {
		case is:
			fmt.Fprintf(&stats, "%o|0|0|root|root|regular file|%s\n", file.mode, name)
		case h.exists(name):
			fmt.Fprintf(&stats, "755|0|0|root|root|directory|%s\n", name)
		}
		for dir := path.Dir(name); dir != "/" && !h.exists(dir); dir = path.Dir(dir) {
			dirs.WriteString(dir + "\n")
		}
	}
	for i, line := range lines(args["contents"]) {
		wanted, name, _ := strings.Cut(line, "  ")
		file, is := h.files[name]
		if !is {
			continue
		}
		sum := digest(file.content)
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
		if sum != wanted {
			answer.add("content."+strconv.Itoa(i+1), file.content)
		}
	}
	answer.add("stat", stats.String())
	answer.add("dirs", dirs.String())
	answer.add("sums", sums.String())
	answer.add("digests", h.digests(lines(args["hashed"])))
	answer.add("sysctls", h.settings(lines(args["keys"])))
	answer.add("units", h.showUnits(lines(args["units"])))
	answer.add("tables", "")
	h.addRecord(answer)
	return nil
}

// digests returns the digests of files in the form of sha256sum.
func (h *Host) digests(names []string) string {
	var out strings.Builder
	for _, name := range names {
		if file, is := h.files[name]; is {
			fmt.Fprintf(&out, "%s  %s\n", digest(file.content), name)
		}
	}
	return out.String()
}

// settings returns sysctls in the form of grep. Those that are not set are 0.
func (h *Host) settings(keys []string) string {
	var out strings.Builder
	for _, key := range keys {
		value, isSet := h.sysctls[key]
		if !isSet {
			value = "0"
		}
		fmt.Fprintf(&out, "%s:%s\n", key, value)
	}
	return out.String()
}

// digest returns the SHA-256 digest of a content.
func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// recordPath is the path of the record of changes.
const recordPath = stateDir + "/record.jsonl"

// addRecord adds the answers about what the host remembers of changes.
func (h *Host) addRecord(answer *answers) {
	if record, is := h.files[recordPath]; is {
		answer.add("record", record.content)
	}
	var restarts strings.Builder
	for unit := range h.restarts {
		restarts.WriteString(unit + "\n")
	}
	answer.add("restart", restarts.String())
}

// readRecord answers what the host remembers of changes.
func readRecord(h *Host, _ remote.Script, answer *answers) error {
	if h.exists(stateDir) {
		answer.add("traces", "record.jsonl\n")
	}
	h.addRecord(answer)
	return nil
}

// record stores the state before a change.
func record(h *Host, script remote.Script, _ *answers) error {
	for _, name := range lines(script.Args["absent"]) {
		if h.exists(name) {
			return fmt.Errorf("%s has just been created", name)
		}
	}
	for _, pair := range lines(script.Args["copies"]) {
		name, source, _ := strings.Cut(pair, "=")
		before, is := h.files[source]
		if !is {
			return h.unknown("copies of the directory " + source)
		}
		if !h.exists(stateDir + "/" + name) {
			h.write(stateDir+"/"+name, before.mode, before.content)
		}
	}
	if named := script.Args["named"]; named != "" {
		return h.unknown("the names in the directory " + named)
	}
	for _, unit := range lines(script.Args["restarts"]) {
		h.restarts[unit] = true
	}
	h.dirs[stateDir] = true
	if entries := script.Args["entries"]; entries != "" {
		h.write(recordPath, 0o600, h.files[recordPath].content+entries)
	}
	return nil
}

// takeEffect sets sysctls, and starts units.
func takeEffect(h *Host, script remote.Script, _ *answers) error {
	for _, setting := range lines(script.Args["sysctls"]) {
		key, value, _ := strings.Cut(setting, "=")
		h.sysctls[key] = value
	}
	for _, name := range lines(script.Args["enable"]) {
		state := h.units[name]
		state.enabled = true
		h.units[name] = state
	}
	for _, name := range append(lines(script.Args["start"]), lines(script.Args["restart"])...) {
		state := h.units[name]
		state.active = true
		h.units[name] = state
		delete(h.restarts, name)
	}
	return nil
}

// undo restores the state before the changes.
func undo(h *Host, script remote.Script, _ *answers) error {
	args := script.Args
	if trees := args["copied"] + args["named"]; trees != "" {
		return h.unknown("directories that existed: " + trees)
	}
	h.stop(lines(args["stop"])...)
	for _, name := range lines(args["disable"]) {
		delete(h.units, name)
	}
	for _, name := range append(lines(args["gone"]), lines(args["absent"])...) {
		h.remove(name)
	}
	for _, pair := range lines(args["copies"]) {
		name, target, _ := strings.Cut(pair, "=")
		before := h.files[stateDir+"/"+name]
		h.write(target, before.mode, before.content)
	}
	for _, dir := range lines(args["dirs"]) {
		h.removeDir(dir)
	}
	for _, setting := range lines(args["sysctls"]) {
		key, value, _ := strings.Cut(setting, "=")
		h.sysctls[key] = value
	}
	return nil
}

// finishUndo removes what marks the host as a node, and the record.
func finishUndo(h *Host, script remote.Script, _ *answers) error {
	for _, name := range append(lines(script.Args["files"]), lines(script.Args["last"])...) {
		h.remove(name)
	}
	for _, dir := range lines(script.Args["dirs"]) {
		h.removeDir(dir)
	}
	h.remove(stateDir)
	clear(h.restarts)
	return nil
}
