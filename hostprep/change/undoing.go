package change

import (
	"fmt"
)

// Undoing says what [Undo] does by a record, a line each, the first change last, as it is undone.
func (r Record) Undoing() []string {
	var lines []string
	for i := len(r) - 1; i >= 0; i-- {
		if line := r[i].undoing(); line != "" && !(r[i].Kind == KindFile && r.covers(r[i].Name)) {
			lines = append(lines, line)
		}
	}
	return lines
}

// undoing is empty for what needs no telling.
func (e Entry) undoing() string {
	switch e.Kind {
	case KindFile:
		if e.Absent {
			return "remove " + e.Name
		}
		return "bring back " + e.Name
	case KindTree:
		if e.Absent {
			return "remove " + e.Name
		}
		return "bring back what was in " + e.Name
	case KindSysctl:
		if !e.Absent {
			return fmt.Sprintf("set %s back to %s", sysctlName(e.Name), e.Value)
		}
	case KindUnit:
		if e.Running {
			return "restart " + e.Name
		}
		return "stop " + e.Name
	case KindPackage:
		return "remove package " + e.Name
	case KindSetting:
		return fmt.Sprintf("set back %s in %s", e.Name, e.File)
	case KindFirewalld:
		if e.Change != nil {
			return "firewalld: take back: " + e.Change.String()
		}
	case KindFolder, KindImage, KindTables, KindZone: // they go with what is in them
	}
	return ""
}
