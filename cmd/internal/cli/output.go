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

// Streams are the standard streams of a command: Out gets its result, Err everything else.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// NewStreams makes streams on which no text from outside drives a terminal, wherever it comes from. The function writes
// what is left at the end.
func NewStreams(in io.Reader, out, errOut io.Writer) (Streams, func()) {
	shownOut, shownErr := visible.NewWriter(out), visible.NewWriter(errOut)
	return Streams{In: in, Out: shownOut, Err: shownErr}, func() {
		shownOut.Close() //nolint:errcheck // half a character
		shownErr.Close() //nolint:errcheck // as above
	}
}

// Color is where the result goes that may have colours, and whether it may: Out is a terminal whose user has not asked for
// plain text. What is written then is not made visible, so it has to be of names that rules have checked.
func (s Streams) Color() (io.Writer, bool) {
	file, ok := Raw(s.Out).(*os.File)
	if ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(file.Fd())) {
		return file, true
	}
	return s.Out, false
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

// WriteYAML prints a value as YAML, with the names of its JSON form.
func WriteYAML(w io.Writer, value any) error {
	data, err := yaml.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}
