package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"sigs.k8s.io/yaml"
)

// Streams are the standard streams of a command: Out gets its result, Err everything else.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Color reports whether Out is a terminal whose user has not asked for plain text.
func (s Streams) Color() bool {
	file, ok := s.Out.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(file.Fd()))
}

// The output formats; each command takes some of them.
const (
	Text  = "text"
	JSON  = "json"
	YAML  = "yaml"
	SVG   = "svg"
	JUnit = "junit"
)

// Format is the value of -o: one of a command's formats, the first by default.
type Format struct {
	value   string
	allowed []string
}

// AddFormat gives the command its -o flag.
func AddFormat(cmd *cobra.Command, allowed ...string) *Format {
	f := &Format{value: allowed[0], allowed: allowed}
	cmd.Flags().VarP(f, "output", "o", "how to print the result: "+strings.Join(allowed, ", "))
	complete := cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp)
	// It fails only for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("output", complete)
	return f
}

// String implements pflag.Value.
func (f *Format) String() string { return f.value }

// Type implements pflag.Value: it is what usage shows in place of a value.
func (f *Format) Type() string { return strings.Join(f.allowed, "|") }

// Set implements pflag.Value.
func (f *Format) Set(value string) error {
	if !slices.Contains(f.allowed, value) {
		return fmt.Errorf("must be one of %s", strings.Join(f.allowed, ", "))
	}
	f.value = value
	return nil
}

// WriteJSON prints a value as indented JSON.
func WriteJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// WriteYAML prints a value as YAML, with the names of its JSON form.
func WriteYAML(w io.Writer, value any) error {
	data, err := yaml.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}
