package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision"
)

// Manifests is the value of -f.
type Manifests struct{ paths []string }

// AddManifests gives the command its -f flag.
func AddManifests(cmd *cobra.Command) *Manifests {
	m := &Manifests{}
	cmd.Flags().StringArrayVarP(&m.paths, "filename", "f", nil,
		"manifests: a file, a directory of *.yaml files or - for standard input; may be repeated")
	return m
}

// Load reads and judges the manifests. Whether they are valid is the caller's to look at.
func (m *Manifests) Load(streams Streams) (provision.Loaded, error) {
	if len(m.paths) == 0 {
		return provision.Loaded{}, Usagef("no manifests given: name a file or directory with -f")
	}
	if slices.Contains(m.paths, "") {
		return provision.Loaded{}, Usagef("-f names no file: its value is empty")
	}
	sources, err := provision.ReadSources(m.paths, streams.In)
	if err != nil {
		return provision.Loaded{}, err
	}
	return provision.Load(sources), nil
}

// Valid reads and judges the manifests, prints their problems to Err, and fails when any of them is
// an error.
func (m *Manifests) Valid(streams Streams) (provision.Loaded, error) {
	loaded, err := m.Load(streams)
	if err != nil {
		return loaded, err
	}
	if err := WriteProblems(streams.Err, loaded.Problems); err != nil {
		return loaded, err
	}
	return loaded, Invalid(loaded.Problems)
}

// Invalid gives an [InvalidError] when there are errors among the problems.
func Invalid(problems api.Problems) error {
	if !problems.HasErrors() {
		return nil
	}
	errs, _ := problems.Counts()
	return &InvalidError{Errors: errs}
}

// WriteProblems prints problems for a person: a line each, its hint indented below.
func WriteProblems(w io.Writer, problems api.Problems) error {
	for _, problem := range problems {
		problem.File = Visible(problem.File)
		if _, err := fmt.Fprintln(w, problem); err != nil {
			return err
		}
		if problem.Hint == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "    try: %s\n", problem.Hint); err != nil {
			return err
		}
	}
	return nil
}
