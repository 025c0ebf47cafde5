// Package visible makes text from outside safe to display: file names, manifests, output of hosts. It escapes
// characters that are invisible, move a terminal's cursor, or change the direction of writing.
//
// Such text could otherwise hide or forge parts of the output, such as a line that says that a check has passed.
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

// Text returns s with all invisible characters except newlines escaped as in Go.
func Text(s string) string { return escape(s, "\n", quote) }

// JSON escapes invisible characters in a JSON text. The text has the same meaning afterwards.
func JSON(text []byte) []byte {
	return []byte(escape(string(text), "\n\t\r", func(r rune, char string) string {
		switch {
		case char == string(utf8.RuneError):
			return char
		case r == utf8.RuneError:
			return `\ufffd` // the replacement that encoding/json writes for invalid UTF-8
		}
		// JSON escapes characters outside of the Basic Multilingual Plane as two UTF-16 surrogates.
		if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
			return fmt.Sprintf(`\u%04x\u%04x`, high, low)
		}
		return fmt.Sprintf(`\u%04x`, r)
	}))
}

// XML escapes invisible characters in an XML text. A valid text has no characters that XML cannot represent at all.
func XML(text []byte) []byte {
	return []byte(escape(string(text), "\n\t\r", func(r rune, _ string) string { return fmt.Sprintf("&#x%X;", r) }))
}

// quote returns a character as it is written in a Go string literal.
func quote(_ rune, char string) string {
	text := strconv.Quote(char)
	return text[1 : len(text)-1]
}

// escape replaces the invisible characters of s, except those in keep, with the result of as. char holds the bytes of
// the character, which is a single byte if they are not valid UTF-8; r is U+FFFD then.
func escape(s, keep string, as func(r rune, char string) string) string {
	var out strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		char := s[:size]
		s = s[size:]
		if isHidden(r, size) && !strings.ContainsRune(keep, r) {
			char = as(r, char)
		}
		out.WriteString(char)
	}
	return out.String()
}

// isHidden reports whether a character is invisible or not valid UTF-8. A U+FFFD that is in the text itself has three
// bytes and is visible.
func isHidden(r rune, size int) bool { return !unicode.IsPrint(r) || r == utf8.RuneError && size == 1 }

// Writer escapes invisible characters in what is written to it, except newlines and tabs. It is safe for concurrent
// use.
type Writer struct {
	to io.Writer

	// mu guards partial, and keeps concurrent writes apart.
	mu sync.Mutex
	// partial holds the first bytes of a character whose remaining bytes have not been written yet.
	partial []byte
}

// NewWriter returns a Writer that writes to the given one.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// Write implements io.Writer.
func (w *Writer) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.partial, data...)
	w.partial = nil
	if rest := incomplete(text); rest > 0 {
		w.partial = bytes.Clone(text[len(text)-rest:])
		text = text[:len(text)-rest]
	}
	if _, err := io.WriteString(w.to, escape(string(text), "\n\t", quote)); err != nil {
		return 0, err
	}
	return len(data), nil
}

// Close writes the bytes of a character that was never completed. It does not close the underlying writer.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := escape(string(w.partial), "", quote)
	w.partial = nil
	if text == "" {
		return nil
	}
	_, err := io.WriteString(w.to, text)
	return err
}

// Raw returns the underlying writer. It is for output that consists of dualstrap's own escape sequences, such as the
// progress display.
func (w *Writer) Raw() io.Writer { return w.to }

// incomplete returns the number of bytes at the end of text that begin a character without completing it.
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
