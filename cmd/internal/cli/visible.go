package cli

import (
	"io"

	"github.com/dualstrap/dualstrap/internal/visible"
)

// Visible escapes control characters in text from outside, such as file names, so that it is safe to print on a terminal.
// [Streams] escape everything that is written to them, tabs and line ends excepted. Visible is for text that bypasses
// them, and for cells of tables, in which a tab would start the next cell.
func Visible(s string) string { return visible.Text(s) }

// Raw returns the writer behind a stream of [Streams], which does not escape control characters. It is for output made of
// dualstrap's own escape sequences, such as progress, and for the output of commands that the user named. A test lists
// the files that may call it.
func Raw(stream io.Writer) io.Writer {
	if shown, ok := stream.(*visible.Writer); ok {
		return shown.Raw()
	}
	return stream
}
