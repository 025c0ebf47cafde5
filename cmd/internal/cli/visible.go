package cli

import (
	"io"

	"github.com/dualstrap/dualstrap/internal/visible"
)

// Visible makes text from outside, like the name of a file, safe to print on a terminal. [Streams] do so with all that
// is written to them; it is for what is written past them.
func Visible(s string) string { return visible.Text(s) }

// Raw is what a stream writes to: for what is made of escape sequences of our own, and for what belongs to a command
// that the user named.
func Raw(stream io.Writer) io.Writer {
	if shown, ok := stream.(*visible.Writer); ok {
		return shown.Raw()
	}
	return stream
}
