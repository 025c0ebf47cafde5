package cli

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible makes text from outside, like the name of a file, safe to print on a terminal: all that
// would not be seen, moves the cursor or turns the direction of writing is written as in Go. Only line
// ends stay.
func Visible(s string) string {
	var out strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		char := s[:size]
		if s = s[size:]; r != '\n' && (!unicode.IsPrint(r) || r == utf8.RuneError && size == 1) {
			quoted := strconv.Quote(char)
			char = quoted[1 : len(quoted)-1]
		}
		out.WriteString(char)
	}
	return out.String()
}
