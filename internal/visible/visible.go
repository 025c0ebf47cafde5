// Package visible makes text from outside safe to show: names of files, manifests, what hosts say. All that would not be
// seen, moves a terminal's cursor or turns the direction of writing is written so that it is seen.
package visible

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text writes what would not be seen as in Go. Only line ends stay.
func Text(s string) string { return rewritten(s, "\n", quoted) }

// JSON does so in a JSON text, which means the same afterwards.
func JSON(text []byte) []byte {
	return []byte(rewritten(string(text), "\n\t\r", func(r rune, char string) string {
		switch {
		case char == string(utf8.RuneError):
			return char
		case r == utf8.RuneError:
			return `\ufffd` // as json has it
		}
		if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
			return fmt.Sprintf(`\u%04x\u%04x`, high, low)
		}
		return fmt.Sprintf(`\u%04x`, r)
	}))
}

// XML does so in an XML text. What XML cannot hold at all is not in one.
func XML(text []byte) []byte {
	return []byte(rewritten(string(text), "\n\t\r", func(r rune, _ string) string { return fmt.Sprintf("&#x%X;", r) }))
}

// quoted is a character as in Go.
func quoted(_ rune, char string) string {
	text := strconv.Quote(char)
	return text[1 : len(text)-1]
}

// rewritten writes what would not be seen in another way, but for what is to stay.
func rewritten(s, stays string, as func(r rune, char string) string) string {
	var out strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		char := s[:size]
		s = s[size:]
		if isHidden(r, size) && !strings.ContainsRune(stays, r) {
			char = as(r, char)
		}
		out.WriteString(char)
	}
	return out.String()
}

// isHidden reports whether a character is not seen as what it is.
func isHidden(r rune, size int) bool { return !unicode.IsPrint(r) || r == utf8.RuneError && size == 1 }

// Writer makes visible what is written to it, but for line ends and tabs. Several goroutines may write to it.
type Writer struct {
	to io.Writer

	mu sync.Mutex
	// begun is the beginning of a character of which the rest is still to come.
	begun []byte
}

// NewWriter makes a Writer to another.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// Write implements io.Writer.
func (w *Writer) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.begun, data...)
	w.begun = nil
	if rest := incomplete(text); rest > 0 {
		w.begun = bytes.Clone(text[len(text)-rest:])
		text = text[:len(text)-rest]
	}
	if _, err := io.WriteString(w.to, rewritten(string(text), "\n\t", quoted)); err != nil {
		return 0, err
	}
	return len(data), nil
}

// Close writes what was begun and has not come to its end. It does not close what is written to.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := rewritten(string(w.begun), "", quoted)
	w.begun = nil
	if text == "" {
		return nil
	}
	_, err := io.WriteString(w.to, text)
	return err
}

// Raw is where the visible text goes: for what is made of escape sequences of our own, as the drawing of progress is.
func (w *Writer) Raw() io.Writer { return w.to }

// incomplete is how many bytes at the end are the beginning of a character.
func incomplete(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if last := text[len(text)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return n
			}
			return 0
		}
	}
	return 0
}
