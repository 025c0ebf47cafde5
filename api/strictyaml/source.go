package strictyaml

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// clean checks that data is text that can be split into lines and parsed at a bounded cost. It returns the text
// without byte order mark and with \n as its only line break.
func clean(data []byte, limits Limits) ([]byte, *Problem) {
	if len(data) > limits.Bytes {
		return nil, &Problem{
			Rule:    RuleLimit,
			Message: fmt.Sprintf("the file is larger than %d MiB", limits.Bytes>>20),
		}
	}
	if name := foreignEncoding(data); name != "" {
		return nil, &Problem{
			Line: 1, Column: 1, Rule: RuleEncoding,
			Message: "the file is encoded as " + name + ", not as UTF-8",
			Hint:    "save it as UTF-8",
		}
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if p := firstBadCharacter(data); p != nil {
		return nil, p
	}
	if bytes.IndexByte(data, '\r') >= 0 {
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
		data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	}
	if p := tooManyValues(data, limits.Values); p != nil {
		return nil, p
	}
	return data, nil
}

// foreignEncoding returns the name of the encoding for UTF-16 and UTF-32, and "" for others. It recognizes them by
// their byte order mark or, as YAML 1.2 section 5.2 does, by the zero bytes in the first character of any YAML
// text.
func foreignEncoding(data []byte) string {
	for _, mark := range []struct{ bytes, name string }{
		{"\x00\x00\xFE\xFF", "UTF-32"},
		{"\xFF\xFE\x00\x00", "UTF-32"},
		{"\xFE\xFF", "UTF-16"},
		{"\xFF\xFE", "UTF-16"},
	} {
		if bytes.HasPrefix(data, []byte(mark.bytes)) {
			return mark.name
		}
	}
	// "0" stands for a zero byte and "x" for any other.
	zeros := ""
	for _, c := range data[:min(4, len(data))] {
		zeros += map[bool]string{true: "0", false: "x"}[c == 0]
	}
	switch {
	case zeros == "000x", zeros == "x000":
		return "UTF-32"
	case strings.HasPrefix(zeros, "0x"), strings.HasPrefix(zeros, "x0") && len(data)%2 == 0:
		return "UTF-16"
	}
	return ""
}

// firstBadCharacter returns a problem for the first character that YAML does not allow: bytes that are not UTF-8,
// control characters, and Unicode's own line breaks, which would make editors and YAML count lines differently.
func firstBadCharacter(data []byte) *Problem {
	at := place{line: 1, column: 1}
	for i := 0; i < len(data); {
		// Nearly all input is printable ASCII, so it skips the decoding of runes.
		if c := data[i]; c >= ' ' && c < 0x7F {
			at.column++
			i++
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		message, hint := characterProblem(r, size)
		if message != "" {
			return &Problem{Line: at.line, Column: at.column, Rule: RuleEncoding, Message: message, Hint: hint}
		}
		i += size
		at.column++
		// \r\n is one line break, counted at its \n.
		if r == '\n' || r == '\r' && (i == len(data) || data[i] != '\n') {
			at = place{line: at.line + 1, column: 1}
		}
	}
	return nil
}

// characterProblem describes what is wrong with a character. It returns an empty message for a valid one.
func characterProblem(r rune, size int) (message, hint string) {
	switch {
	case r == utf8.RuneError && size == 1:
		return "this byte is not UTF-8 text", "save the file as UTF-8"
	case r == 0:
		return "NUL byte: this is not a text file", ""
	case r == '\uFEFF':
		return "byte order mark in the middle of the file", "remove it; it is left when files are put together"
	case r == '\u0085', r == '\u2028', r == '\u2029':
		return fmt.Sprintf("Unicode line break U+%04X", r), "write an ordinary line break"
	case !printable(r):
		return fmt.Sprintf("control character U+%04X", r), "remove it"
	}
	return "", ""
}

// printable reports whether r is in c-printable of YAML 1.2.
func printable(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return true
	case r < ' ', r >= 0x7F && r < 0xA0, r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return true
}

// tooManyValues counts the punctuation that separates values, and returns a problem when there is more than the
// limit. The parser keeps some 200 bytes for each value, even for the two bytes of "a,", and offers no way to stop
// it halfway.
func tooManyValues(data []byte, limit int) *Problem {
	count, line := 0, 1
	for i, c := range data {
		switch c {
		case '\n':
			line++
		case ',', '[', '{':
			count++
		case '-', '?', ':':
			if i+1 == len(data) || data[i+1] == ' ' || data[i+1] == '\n' || data[i+1] == '\t' {
				count++
			}
		}
		if count > limit {
			return &Problem{
				Line: line, Column: 1, Rule: RuleLimit,
				Message: fmt.Sprintf("the file holds more than %d values", limit),
				Hint:    "split it into several files",
			}
		}
	}
	return nil
}
