package change

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// maxShown is the maximum size in bytes of a file that is shown in a diff. The script sends one byte more than
// that at most, so that a longer file can be told from one of exactly this size.
const maxShown = 256 << 10

// parse converts the script's answer to a State.
func (r request) parse(answer remote.Answer) (State, error) {
	state := State{
		Dirs:            unique(lines(answer.Text("dirs"))),
		Sysctls:         map[string]string{},
		Loadable:        lines(answer.Text("loadable")),
		MissingPrograms: lines(answer.Text("programs")),
		Archives:        lines(answer.Text("archives")),
		Restarts:        lines(answer.Text("restart")),
		PutBack:         firewalld.ParseCommands(answer.Text("put-back")),
	}
	state.Images, state.Pinned = parseImages(answer.Text("images"))
	for _, line := range lines(answer.Text("sysctls")) {
		key, value, _ := strings.Cut(line, ":")
		state.Sysctls[key] = value
	}
	// Without nft, or where it fails, Tables stays nil, so that undoing does not remove any table.
	if value, told := answer.Values["tables"]; told && value.Status == 0 {
		tables := answer.Text("tables")
		state.Tables = &tables
	}
	var err error
	if state.Files, err = r.parseFiles(answer); err != nil {
		return state, err
	}
	if state.Units, err = r.parseUnits(answer.Text("units")); err != nil {
		return state, err
	}
	if state.Record, err = ParseRecord(answer.Values["record"].Output); err != nil {
		return state, err
	}
	state.Firewalld, err = parseFirewalld(answer)
	return state, err
}

// lines splits a text into its lines, without empty ones.
func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

// unique sorts the items in place and returns them without duplicates.
func unique(items []string) []string {
	slices.Sort(items)
	return slices.Compact(items)
}

// parseFiles combines the output of stat, the digests, and the contents of files that differ.
func (r request) parseFiles(answer remote.Answer) (map[string]FileState, error) {
	files := map[string]FileState{}
	for _, line := range lines(answer.Text("stat")) {
		name, file, err := parseStat(line)
		if err != nil {
			return nil, err
		}
		files[name] = file
	}
	for _, line := range lines(answer.Text("sums") + "\n" + answer.Text("digests")) {
		sum, name, _ := strings.Cut(line, "  ")
		if file, found := files[name]; found {
			file.SHA256 = sum
			files[name] = file
		}
	}
	for i, shown := range r.shown {
		content, told := answer.Values["content."+strconv.Itoa(i+1)]
		if file, found := files[shown.path]; found && told && content.Status == 0 && len(content.Output) <= maxShown {
			// An empty file gets an empty, non-nil content: nil means that the content is unknown.
			file.Content = append([]byte{}, content.Output...)
			files[shown.path] = file
		}
	}
	return files, nil
}

// parseStat parses a line of the script's call of stat and returns the path and its state. The fields are mode
// (octal), user ID, group ID, user, group, type and path. The path comes last, since it may contain the
// separator.
func parseStat(line string) (string, FileState, error) {
	const fields = 7
	parts := strings.SplitN(line, "|", fields)
	if len(parts) != fields {
		return "", FileState{}, fmt.Errorf("cannot parse the output of stat: %q", line)
	}
	mode, err := strconv.ParseUint(parts[0], 8, 32)
	if err != nil {
		return "", FileState{}, fmt.Errorf("cannot read the mode of a file: %w", err)
	}
	return parts[6], FileState{
		Kind:    parts[5],
		Mode:    fs.FileMode(mode),
		OwnerID: parts[1] + ":" + parts[2],
		Owner:   parts[3] + ":" + parts[4],
	}, nil
}

// parseUnits parses the output of systemctl show: a block of properties for each requested unit, in the order
// of the request. The Id is of no use here, because an alias is listed under its real name.
func (r request) parseUnits(text string) (map[string]UnitState, error) {
	units := map[string]UnitState{}
	if len(r.units) == 0 {
		return units, nil
	}
	blocks := strings.Split(strings.TrimSpace(text), "\n\n")
	if len(blocks) != len(r.units) {
		return nil, fmt.Errorf("cannot read the state of units: systemd reported %d of %d", len(blocks), len(r.units))
	}
	for i, block := range blocks {
		properties := map[string]string{}
		for _, line := range lines(block) {
			name, value, _ := strings.Cut(line, "=")
			properties[name] = value
		}
		units[r.units[i]] = UnitState{
			File:   properties["UnitFileState"],
			Active: properties["ActiveState"],
			Stale:  properties["NeedDaemonReload"] == "yes",
		}
	}
	return units, nil
}

// pinnedLabel is the label of images in containerd that the kubelet's garbage collection keeps. The scripts import and pin set
// it.
const pinnedLabel = "io.cri-containerd.pinned=pinned"

// parseImages parses the table that ctr images ls prints and returns digests by reference, and which images are pinned. The
// columns are reference, type, digest, and others, labels last; the heading is skipped because its third word is not a digest.
func parseImages(text string) (images map[string]string, pinned map[string]bool) {
	images, pinned = map[string]string{}, map[string]bool{}
	for _, line := range lines(text) {
		columns := strings.Fields(line)
		if len(columns) < 3 || !strings.HasPrefix(columns[2], "sha256:") {
			continue
		}
		images[columns[0]] = columns[2]
		if slices.Contains(strings.Split(columns[len(columns)-1], ","), pinnedLabel) {
			pinned[columns[0]] = true
		}
	}
	return images, pinned
}

// parseFirewalld parses the answers of the script firewalld_read.sh, which are named
// {runtime,permanent}.{zone,policy}.NAME. Without an answer about the default zone, firewalld does not run.
func parseFirewalld(answer remote.Answer) (firewalld.State, error) {
	defaultZone, running := answer.Values["firewalld.default"]
	if !running {
		return firewalld.State{}, nil
	}
	state := firewalld.State{
		Running:      true,
		DefaultZone:  string(defaultZone.Output),
		FiltersPaths: answer.Values["firewalld.filters-paths"].Status == 0,
		Permanent:    firewalld.Config{Zones: map[string]firewalld.Section{}, Policies: map[string]firewalld.Section{}},
		Runtime:      firewalld.Config{Zones: map[string]firewalld.Section{}, Policies: map[string]firewalld.Section{}},
	}
	if state.DefaultZone == "" {
		return state, fmt.Errorf("cannot read firewalld's state: it names no default zone: %s", lastLine(answer.Stderr))
	}
	for name, value := range answer.Values {
		when, rest, _ := strings.Cut(name, ".")
		kind, object, isSection := strings.Cut(rest, ".")
		config := map[string]firewalld.Config{"permanent": state.Permanent, "runtime": state.Runtime}[when]
		if !isSection || config.Zones == nil || value.Status != 0 {
			continue // other answers; or a zone that does not exist, which makes the call fail
		}
		section, err := firewalld.ParseSection(value.Output)
		if err != nil {
			return state, fmt.Errorf("%s %s: %w", kind, object, err)
		}
		if kind == "policy" {
			config.Policies[object] = section
		} else {
			config.Zones[object] = section
		}
	}
	return state, nil
}

// lastLine returns the last line of a program's error output, for an error message.
func lastLine(text string) string {
	all := lines(text)
	if len(all) == 0 {
		return "no error output"
	}
	return all[len(all)-1]
}
