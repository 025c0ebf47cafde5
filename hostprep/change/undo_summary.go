package change

import (
	"fmt"
)

// UndoSummary says what [Undo] does by a record, a line each, the first change last, as it is undone.
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

// undoSummary is empty for what needs no telling: directories and images go with what is in them.
func (e Entry) undoSummary() string {
	switch e.Kind {
	case KindFile:
		return e.choose("remove "+e.Name, "bring back "+e.Name)
	case KindTree:
		return e.choose("remove "+e.Name, "bring back what was in "+e.Name)
	case KindSysctl:
		return e.choose("", fmt.Sprintf("set %s back to %s", sysctlName(e.Name), e.Value))
	case KindPackage:
		return "remove package " + e.Name
	case KindSetting:
		return fmt.Sprintf("set back %s in %s", e.Name, e.File)
	case KindFirewalld:
		return "firewalld: take back: " + e.Name
	case KindUnit:
		if e.Running {
			return "restart " + e.Name
		}
		return "stop " + e.Name
	case KindDir, KindImage, KindTables, KindZone:
	}
	return ""
}

// choose tells what there was not from what there was.
func (e Entry) choose(absent, present string) string {
	if e.Absent {
		return absent
	}
	return present
}
