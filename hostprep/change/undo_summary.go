package change

import "fmt"

// UndoSummary returns the actions of [Undo], one line each, most recent change first, as they are undone.
func (r Record) UndoSummary() []string {
	var lines []string
	for i := len(r) - 1; i >= 0; i-- {
		covered := r[i].Kind == KindFile && r.covers(r[i].Name)
		if line := r[i].undoSummary(); line != "" && !covered {
			lines = append(lines, line)
		}
	}
	return lines
}

// undoSummary describes the undoing of one entry. It is empty for details that are of no interest to users:
// directories, images, and tables and zone files that other programs have made.
func (e Entry) undoSummary() string {
	switch e.Kind {
	case KindFile:
		return e.choose("remove "+e.Name, "restore "+e.Name)
	case KindTree:
		return e.choose("remove "+e.Name, "restore the content of "+e.Name)
	case KindSysctl:
		return e.choose("", fmt.Sprintf("restore %s to %s", sysctlName(e.Name), e.Value))
	case KindPackage:
		return "remove package " + e.Name
	case KindSetting:
		return fmt.Sprintf("restore %s in %s", e.Name, e.File)
	case KindFirewalld:
		return "firewalld: undo: " + e.Name
	case KindUnit:
		if e.Running {
			return "restart " + e.Name
		}
		return "stop " + e.Name
	case KindDir, KindImage, KindTables, KindZone:
	}
	return ""
}

// choose returns absent if the thing did not exist before, else present.
func (e Entry) choose(absent, present string) string {
	if e.Absent {
		return absent
	}
	return present
}
