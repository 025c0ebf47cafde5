package change

import (
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
)

// unified returns the change of a file as a unified diff. It is empty if either side is not valid UTF-8, or if
// the host did not send the present content because the file is too long.
func unified(path string, there FileState, found bool, after []byte) string {
	if found && there.Content == nil || !utf8.Valid(there.Content) || !utf8.Valid(after) {
		return ""
	}
	from := "a" + path
	if !found {
		from = "/dev/null"
	}
	return udiff.Unified(from, "b"+path, string(there.Content), string(after))
}
