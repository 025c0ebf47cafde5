package strictyaml

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// lines holds the text of a document as lines that can be replaced. Lines count from 1. The text is split on first
// use, because most documents parse without a look at their lines.
type lines struct {
	source []byte
	// all holds the lines without their line breaks; nil until they are needed.
	all []string
	// literal marks the lines inside block scalars (| and >), which may look like anything.
	literal []bool
	// size is the length of the original text in bytes.
	size int
	// dirty is set when a line was replaced since source was last joined.
	dirty bool
}

// newLines returns the lines of a text that ends each line with \n.
func newLines(text []byte) *lines { return &lines{source: text, size: len(text)} }

// split splits the text into lines unless that is already done.
func (l *lines) split() {
	if l.all != nil {
		return
	}
	l.all = strings.Split(strings.TrimSuffix(string(l.source), "\n"), "\n")
	l.literal = make([]bool, len(l.all))
	// block is the indentation of the entry with the current block scalar; -1 outside one.
	block := -1
	for i, text := range l.all {
		s := shapeOf(text)
		switch {
		case s.blank():
			l.literal[i] = block >= 0
		case block >= 0 && s.indent > block:
			l.literal[i] = true
		case isBlockScalar(s.value):
			block = s.column
			if !s.entry {
				block = s.indent
			}
		default:
			block = -1
		}
	}
}

// isBlockScalar reports whether a value is the header of a block scalar, as |- or >2.
func isBlockScalar(value string) bool {
	return value != "" && (value[0] == '|' || value[0] == '>') && strings.Trim(value[1:], "+-0123456789") == ""
}

// text returns the whole text with all replacements.
func (l *lines) text() []byte {
	if l.dirty {
		l.source = []byte(strings.Join(l.all, "\n") + "\n")
		l.dirty = false
	}
	return l.source
}

// replace replaces a line by a single line, so that later lines keep their numbers.
func (l *lines) replace(line int, text string) {
	l.split()
	l.all[line-1] = text
	l.dirty = true
}

// count returns the number of lines.
func (l *lines) count() int {
	l.split()
	return len(l.all)
}

// at returns a line without its line break.
func (l *lines) at(line int) string {
	l.split()
	return l.all[line-1]
}

// shape returns the structure of a line. It is blank outside the document and inside block scalars.
func (l *lines) shape(line int) shape {
	l.split()
	if line < 1 || line > len(l.all) || l.literal[line-1] {
		return shape{}
	}
	return shapeOf(l.all[line-1])
}

// next returns the next line after this one with content, or 0.
func (l *lines) next(line int) int {
	for line++; line <= l.count(); line++ {
		if !l.shape(line).blank() {
			return line
		}
	}
	return 0
}

// previous returns the closest line before this one with content, or 0.
func (l *lines) previous(line int) int {
	for line--; line >= 1; line-- {
		if !l.shape(line).blank() {
			return line
		}
	}
	return 0
}

// dots returns the lines that hold nothing but dots.
func (l *lines) dots() []int {
	if !bytes.Contains(l.text(), []byte("...")) && !bytes.Contains(l.text(), []byte("…")) {
		return nil
	}
	var found []int
	for i := 1; i <= l.count(); i++ {
		if isDots(l.shape(i).text()) {
			found = append(found, i)
		}
	}
	return found
}

// shape is the structure of a line: dashes of list items, a key with its colon, a value; any of them may be
// missing. Offsets are in bytes from the beginning of the line.
type shape struct {
	// indent is the offset of the first character, column that of the first one after the dashes.
	indent, column int
	// entry is set for a key that is followed by a colon.
	entry bool
	key   string
	// value is the text after the colon, or after the dashes if there is no colon, without comment. valueAt is its
	// offset.
	value   string
	valueAt int
}

// shapeOf returns the structure of a line. It sees the line alone, so it is wrong where a flow collection or a
// quoted text spans several lines; callers must tolerate that.
func shapeOf(line string) shape {
	s := shape{indent: len(line) - len(strings.TrimLeft(line, " \t"))}
	s.column = s.indent
	rest := withoutComment(line[s.indent:])
	for strings.HasPrefix(rest, "- ") {
		trimmed := strings.TrimLeft(rest[1:], " ")
		s.column += len(rest) - len(trimmed)
		rest = trimmed
	}
	s.value, s.valueAt = rest, s.column
	if at := colon(rest); at > 0 {
		s.entry, s.key = true, rest[:at]
		value := strings.TrimLeft(rest[at+1:], " \t")
		s.value, s.valueAt = value, s.column+len(rest)-len(value)
	}
	return s
}

// blank reports whether a line has no content.
func (s shape) blank() bool { return !s.entry && s.value == "" && s.column == s.indent }

// item reports whether a line begins a list item.
func (s shape) item() bool { return s.column > s.indent || s.value == "-" }

// text returns the whole line when it is neither an entry nor an item.
func (s shape) text() string {
	if s.entry || s.item() {
		return ""
	}
	return s.value
}

// colon returns the offset of the colon that ends a key, or -1. Such a colon is outside quotes and precedes white
// space or the end of the line.
func colon(text string) int {
	if text[:min(1, len(text))] == `"` || text[:min(1, len(text))] == "'" {
		end := strings.IndexByte(text[1:], text[0]) + 2
		if end >= 2 && strings.HasPrefix(text[end:], ":") {
			return end
		}
		return -1
	}
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		return -1
	}
	for i := range len(text) {
		if text[i] == ':' && (i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\t') {
			return i
		}
	}
	return -1
}

// withoutComment returns the text without a comment and the white space before it. A quote begins a quoted text
// only where a value can begin, so that the apostrophe in don't does not.
func withoutComment(text string) string {
	quote, before := byte(0), byte(' ')
	for i := range len(text) {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '#' && isAfter(" \t", before):
			return strings.TrimRight(text[:i], " \t")
		case (c == '"' || c == '\'') && isAfter(" \t[{,:", before):
			quote = c
		}
		before = c
	}
	return strings.TrimRight(text, " \t")
}

// isAfter reports whether the character before is one of some.
func isAfter(some string, before byte) bool { return strings.IndexByte(some, before) >= 0 }

// columnOf returns the column, in characters from 1, of a byte offset in a line.
func columnOf(line string, offset int) int {
	return utf8.RuneCountInString(line[:min(offset, len(line))]) + 1
}

// isDots reports whether a text is three dots, or the one character that word processors turn them into.
func isDots(text string) bool { return text == "..." || text == "…" }
