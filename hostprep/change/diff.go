package change

import (
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
)

// unified shows how a file changes. It is empty where there is nothing to show: the file is no text,
// or too long.
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
