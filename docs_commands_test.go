package dualstrap_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/provision/create"
	"github.com/dualstrap/dualstrap/provision/keys"
	"github.com/dualstrap/dualstrap/provision/load/loadtest"
	"github.com/dualstrap/dualstrap/provision/reset"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// TestGoldenCommandsPage writes the help of every command into docs/commands.md.
func TestGoldenCommandsPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString("# Commands\n\nThe help of every command, as the program prints it. This page is generated from the program.\n")
	writeHelp(t, &page, nil)
	compare(t, "docs/commands.md", []byte(page.String()))
}

// writeHelp writes the help of a command and of those below it. The completion commands are cobra's own, and left out.
func writeHelp(t *testing.T, page *strings.Builder, command []string) {
	t.Helper()
	help := run(t, append(command, "--help")...)
	fmt.Fprintf(page, "\n## %s\n\n```\n%s```\n", strings.Join(append([]string{"dualstrap"}, command...), " "), help)
	_, list, found := strings.Cut(help, "\nAvailable Commands:\n")
	if !found {
		return
	}
	for line := range strings.Lines(list) {
		name, _, listed := strings.Cut(strings.TrimPrefix(line, "  "), " ")
		if !listed {
			return // the list ends with an empty line
		}
		if name != "completion" && name != "help" {
			writeHelp(t, page, append(command[:len(command):len(command)], name))
		}
	}
}

// commandPhases is the phases of a command, in their order.
type commandPhases struct {
	command string
	phases  []workflow.Phase
}

// phases returns the phases of all commands for the HA example, which has all of them.
func phases(t *testing.T) []commandPhases {
	t.Helper()
	s, err := session.Open(loadtest.Example(t, "ha.yaml"), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	created, err := create.Phases(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := keys.Phases()
	if err != nil {
		t.Fatal(err)
	}
	return []commandPhases{
		{"create cluster", append(session.ProbePhases(s), created...)}, {"reset nodes", reset.Phases(s)}, {"rotate encryption-key", rotated},
	}
}

// TestGoldenPhasesPage writes the phases of every command into docs/phases.md.
func TestGoldenPhasesPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(`# Phases

Reports, logs and progress name these phases. Hosts go through them in this order; where a phase needs others to be
finished on other hosts, it waits for them. This page is generated from the program.
`)
	for _, command := range phases(t) {
		fmt.Fprintf(&page, "\n## %s\n\n| phase | what it does |\n|---|---|\n", command.command)
		for _, phase := range command.phases {
			fmt.Fprintf(&page, "| `%s` | %s |\n", phase.Name, phase.Short)
		}
	}
	compare(t, "docs/phases.md", []byte(page.String()))
}

// TestPhasesAreDescribed checks that the pages about create and reset name every phase, and no other one.
func TestPhasesAreDescribed(t *testing.T) {
	t.Parallel()
	pages := map[string]string{"create cluster": "docs/create.md", "reset nodes": "docs/reset.md"}
	for _, command := range phases(t) {
		page, has := pages[command.command]
		if !has {
			continue
		}
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, phase := range command.phases {
			named := regexp.MustCompile(`(\*\*|` + "`" + `)` + regexp.QuoteMeta(phase.Name) + `(\.?\*\*|` + "`" + `)`)
			if phase.Name != "probe" && phase.Name != "network" && !named.Match(content) {
				t.Errorf("%s does not describe the phase %s", page, phase.Name)
			}
		}
	}
}
