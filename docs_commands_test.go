package dualstrap_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/provision"
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

// phases returns the phases of all commands for the HA example, which has all of them.
func phases(t *testing.T) []provision.PhaseInfo {
	t.Helper()
	sources, err := provision.ReadSources([]string{"examples/ha.yaml"}, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	all, err := provision.Phases(provision.Load(sources))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestGoldenPhasesPage writes the phases of every command into docs/phases.md.
func TestGoldenPhasesPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(`# Phases

Reports, logs and progress name these phases. Hosts go through them in this order; where a phase needs others to be
finished on other hosts, it waits for them. This page is generated from the program.
`)
	command := ""
	for _, phase := range phases(t) {
		if phase.Command != command {
			command = phase.Command
			fmt.Fprintf(&page, "\n## %s\n\n| phase | what it does |\n|---|---|\n", command)
		}
		fmt.Fprintf(&page, "| `%s` | %s |\n", phase.Name, phase.Short)
	}
	compare(t, "docs/phases.md", []byte(page.String()))
}

// TestPhasesAreDescribed checks that the pages about create and reset name every phase, and no other one.
func TestPhasesAreDescribed(t *testing.T) {
	t.Parallel()
	for command, path := range map[string]string{"create cluster": "docs/create.md", "reset nodes": "docs/reset.md"} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, phase := range phases(t) {
			named := regexp.MustCompile(`(\*\*|` + "`" + `)` + regexp.QuoteMeta(phase.Name) + `(\.?\*\*|` + "`" + `)`)
			if phase.Command == command && phase.Name != "probe" && phase.Name != "network" && !named.Match(content) {
				t.Errorf("%s does not describe the phase %s", path, phase.Name)
			}
		}
	}
}
