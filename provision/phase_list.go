package provision

import (
	"context"
	"strings"

	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// PhaseInfo describes a phase for documentation.
type PhaseInfo struct {
	// Command is the command that runs the phase.
	Command string
	// Name is the phase's name in reports, logs and progress.
	Name string
	// Short describes what the phase does, in one line.
	Short string
}

// Phases returns the phases of all commands that change hosts, in their order, for a cluster that does not exist yet. It
// connects to no host.
func Phases(loaded Loaded) ([]PhaseInfo, error) {
	s, err := OpenSession(loaded, SessionOptions{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	create, err := s.createPhases(context.Background(), nil) // the context is that of later actions
	if err != nil {
		return nil, err
	}
	reset := (&resetRun{Session: s, options: ResetOptions{Nodes: s.addresses()}}).phases()
	config, err := encryption.First(unusedSecret("a")).With(unusedSecret("b"))
	if err != nil {
		return nil, err
	}
	rotate, _, err := (&rotationRun{}).phases(encryption.Adding, config)
	if err != nil {
		return nil, err
	}
	var all []PhaseInfo
	add := func(command string, phases ...workflow.Phase) {
		for _, phase := range phases {
			all = append(all, PhaseInfo{Command: command, Name: phase.Name, Short: phase.Short})
		}
	}
	add("create cluster", s.probePhase(), s.networkPhase())
	add("create cluster", create...)
	add("reset nodes", reset...)
	add("rotate encryption-key", rotate...)
	return all, nil
}

// unusedSecret returns a secret in the form of a key, for phases that never run.
func unusedSecret(letter string) string { return strings.Repeat(letter, 42) + letter + "=" }
