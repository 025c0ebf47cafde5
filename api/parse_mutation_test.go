package api_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/api"
)

// slip is a common mistake in one line. make returns false where the line has no room for it.
type slip struct {
	name string
	make func(line string) (string, bool)
	// far is the maximum distance in lines of the first problem; 0 stands for 1.
	far int
	// harmless is set when the result may equal the original.
	harmless bool
}

func slips() []slip {
	return []slip{
		{name: "colon forgotten", make: func(line string) (string, bool) {
			return strings.Replace(line, ":", "", 1), isBlockEntry(line) && strings.HasSuffix(line, ":")
		}},
		{name: "colon forgotten before a value", make: func(line string) (string, bool) {
			return strings.Replace(line, ": ", " ", 1), isBlockEntry(line) && strings.Contains(line, ": ")
		}},
		{name: "space after the colon forgotten", make: func(line string) (string, bool) {
			return strings.Replace(line, ": ", ":", 1), isBlockEntry(line) && strings.Contains(line, ": ")
		}},
		{name: "space after the dash forgotten", make: func(line string) (string, bool) {
			return strings.Replace(line, "- ", "-", 1), strings.HasPrefix(strings.TrimSpace(line), "- ") && !strings.Contains(line, ": ")
		}},
		{name: "tab", make: func(line string) (string, bool) {
			return strings.Replace(line, "  ", "\t", 1), strings.HasPrefix(line, "  ")
		}},
		{name: "no-break space", make: func(line string) (string, bool) {
			return strings.Replace(line, " ", "\u00a0", 1), strings.HasPrefix(line, " ")
		}},
		{name: "quote not closed", make: func(line string) (string, bool) {
			return line[:max(len(line)-1, 0)], strings.HasSuffix(line, `"`)
		}},
		{name: "indented by one more", make: func(line string) (string, bool) {
			return " " + line, isBlockEntry(line) || strings.HasPrefix(strings.TrimLeft(line, " "), "- ")
		}, far: 3, harmless: true},
		{name: "left out", make: func(line string) (string, bool) {
			return strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " "))) + "...", strings.HasPrefix(line, " ")
		}},
		{name: "misspelt", make: func(line string) (string, bool) {
			return strings.Replace(line, ":", "x:", 1), isBlockEntry(line)
		}},
		{name: "doubled", make: func(line string) (string, bool) {
			return line + "\n" + line, isBlockEntry(line) && !strings.Contains(line, "- ")
		}},
	}
}

func isBlockEntry(line string) bool {
	key, value, ok := strings.Cut(strings.TrimLeft(line, " -"), ":")
	return ok && (value == "" || value[0] == ' ') && !strings.ContainsAny(key, `{["'#/ `)
}

// TestParseMutations makes every slip in every line of a valid file. The first error must be in that line or next
// to it.
func TestParseMutations(t *testing.T) {
	t.Parallel()
	good := parseSource(t, "slips.yaml").Data
	if _, problems := api.Parse([]api.Source{{Name: "-", Data: good}}); len(problems) > 0 {
		t.Fatal(listed(problems))
	}
	lines := strings.Split(strings.TrimSuffix(string(good), "\n"), "\n")
	for _, s := range slips() {
		made := 0
		for i, line := range lines {
			bad, ok := s.make(line)
			if !ok {
				continue
			}
			made++
			data := strings.Join(lines[:i], "\n") + "\n" + bad + "\n" + strings.Join(lines[i+1:], "\n") + "\n"
			_, problems := api.Parse([]api.Source{{Name: "-", Data: bytes.TrimLeft([]byte(data), "\n")}})
			if message := misplaced(problems, i+1, s); message != "" {
				t.Errorf("%s in line %d, %q: %s", s.name, i+1, bad, message)
			}
		}
		if made < 5 {
			t.Errorf("%q finds room in %d lines only", s.name, made)
		}
	}
}

// misplaced returns what is wrong with problems that should begin next to a line.
func misplaced(problems api.Problems, line int, s slip) string {
	far := max(s.far, 1)
	switch {
	case !problems.HasErrors() && s.harmless:
		return ""
	case !problems.HasErrors():
		return "no error"
	case problems[0].Line < line-far || problems[0].Line > line+far:
		return fmt.Sprintf("the first problem is\n%s", strings.Join(listed(problems[:1]), "\n"))
	}
	return ""
}
