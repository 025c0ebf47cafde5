package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/internal/visible"
)

// Streams holds the standard streams of a command. The result goes to Out; progress, notes and errors go to Err, so that
// the result can be piped into another program.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// NewStreams returns streams that escape control characters, so that text from files, hosts or servers cannot control the
// user's terminal, whatever path it takes to the output. The returned function flushes them and has to be called last.
func NewStreams(in io.Reader, out, errOut io.Writer) (Streams, func()) {
	shownOut, shownErr := visible.NewWriter(out), visible.NewWriter(errOut)
	return Streams{In: in, Out: shownOut, Err: shownErr}, func() {
		shownOut.Close()
		shownErr.Close()
	}
}

// Color returns the writer for a result that may be coloured, and reports whether it may: it may when Out is a terminal
// and NO_COLOR is not set (https://no-color.org). A coloured result bypasses the escaping of control characters, so
// callers only print names that the rules for manifests have validated.
func (s Streams) Color() (io.Writer, bool) {
	file, ok := Raw(s.Out).(*os.File)
	if ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(file.Fd())) {
		return file, true
	}
	return s.Out, false
}

// Output formats, values of -o. Each command supports some of them.
const (
	Text  = "text"
	JSON  = "json"
	YAML  = "yaml"
	SVG   = "svg"
	JUnit = "junit"
)

// Format is the value of the -o flag: one of the formats that a command supports.
type Format struct {
	value string
	// allowed lists the supported formats, the default first.
	allowed []string
}

// AddFormat adds the -o flag to the command and returns its value. The first of the allowed formats is the default.
func AddFormat(cmd *cobra.Command, allowed ...string) *Format {
	f := &Format{value: allowed[0], allowed: allowed}
	cmd.Flags().VarP(f, "output", "o", "how to print the result: "+strings.Join(allowed, ", "))
	complete := cobra.FixedCompletions(allowed, cobra.ShellCompDirectiveNoFileComp)
	// It returns an error only for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("output", complete)
	return f
}

// String implements pflag.Value.
func (f *Format) String() string { return f.value }

// Type implements pflag.Value. Help texts show it as the placeholder for the value.
func (f *Format) Type() string { return strings.Join(f.allowed, "|") }

// Set implements pflag.Value. It rejects formats that the command does not support.
func (f *Format) Set(value string) error {
	if !slices.Contains(f.allowed, value) {
		return fmt.Errorf("must be one of %s", strings.Join(f.allowed, ", "))
	}
	f.value = value
	return nil
}

// WriteJSON prints a value as indented JSON. Characters that a terminal would not show as themselves are written as \u
// escapes, which does not change the meaning; <, > and & are not escaped, since the result is not HTML.
func WriteJSON(w io.Writer, value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := w.Write(visible.JSON(text.Bytes()))
	return err
}

// WriteYAML prints a value as YAML, with the field names of its JSON form.
func WriteYAML(w io.Writer, value any) error {
	data, err := yaml.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}
