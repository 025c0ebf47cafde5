package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/load"
)

// Manifests holds the values of the -f flag.
type Manifests struct{ paths []string }

// AddManifests adds the -f flag to the command and returns its value.
func AddManifests(cmd *cobra.Command) *Manifests {
	m := &Manifests{}
	cmd.Flags().StringArrayVarP(&m.paths, "filename", "f", nil,
		"manifests: a file, a directory of *.yaml files or - for standard input; may be repeated")
	return m
}

// Load reads and validates the manifests. Invalid manifests are not an error: the caller checks the problems of the
// result. Errors are a missing -f flag, as a [UsageError], and files that cannot be read.
func (m *Manifests) Load(streams Streams) (load.Cluster, error) {
	if len(m.paths) == 0 {
		return load.Cluster{}, Usagef("no manifests given: name a file or directory with -f")
	}
	if slices.Contains(m.paths, "") { // as from a script's unset variable
		return load.Cluster{}, Usagef("-f names no file: its value is empty")
	}
	sources, err := load.ReadSources(m.paths, streams.In)
	if err != nil {
		return load.Cluster{}, err
	}
	return load.Manifests(sources), nil
}

// Valid reads and validates the manifests and prints their problems, warnings included, on streams.Err. It returns an
// [InvalidError] when any problem is an error.
func (m *Manifests) Valid(streams Streams) (load.Cluster, error) {
	loaded, err := m.Load(streams)
	if err != nil {
		return loaded, err
	}
	if err := WriteProblems(streams.Err, loaded.Problems); err != nil {
		return loaded, err
	}
	return loaded, Invalid(loaded.Problems)
}

// Invalid returns an [InvalidError] when any of the problems is an error, and nil otherwise.
func Invalid(problems api.Problems) error {
	if !problems.HasErrors() {
		return nil
	}
	errs, _ := problems.Counts()
	return &InvalidError{Errors: errs}
}

// WriteProblems prints problems as text: one line each, with the hint indented below it.
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
