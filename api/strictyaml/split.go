package strictyaml

import "bytes"

// chunk is the text of one document, including its separator line.
type chunk struct {
	text []byte
	// first is the line of the file on which the text begins.
	first int
	// start is the first line that is not blank, a comment, a directive or a separator; 0 until there is one.
	start int
	// bare is set when the document follows a "..." line and has no "---" line of its own.
	bare bool
}

// splitter splits a file at its separator lines. A document extends from a "---" line, or the beginning of the
// file, to the next "---" or "..." line. Directives (%YAML) before it are dropped.
type splitter struct {
	data   []byte
	chunks []chunk

	// begin is the offset at which the current document begins, line the number of the current line.
	begin, line int
	current     chunk
	// separated is set when the current document began with a "---" line.
	separated bool
}

// split returns the documents of a file that have content.
func split(data []byte) []chunk {
	s := &splitter{data: data, line: 1, current: chunk{first: 1}}
	for pos := 0; pos < len(data); {
		end := pos + lineLength(data[pos:])
		s.next(data[pos:end], pos, end)
		pos = end
		s.line++
	}
	s.flush(len(data), len(data), s.line)
	return s.chunks
}

// next processes the line between the offsets pos and end.
func (s *splitter) next(text []byte, pos, end int) {
	switch {
	case isMarker(text, "---"):
		s.flush(pos, pos, s.line)
		s.separated = true
		if hasContent(text[3:]) {
			s.current.start = s.line
		}
	case isMarker(text, "...") && !s.isPlaceholder(end):
		s.flush(pos, end, s.line+1)
		s.current.bare = true
	case s.current.start == 0 && hasContent(text) && text[0] != '%':
		// Without a separator line, only comments and directives come before the first content.
		if !s.separated {
			s.begin, s.current.first = pos, s.line
		}
		s.current.start = s.line
	}
}

// isPlaceholder reports whether a "..." line in the first column stands for omitted text, as in documentation,
// rather than for the end of a document: the next content is indented and so continues the block above.
func (s *splitter) isPlaceholder(next int) bool {
	for next < len(s.data) {
		end := next + lineLength(s.data[next:])
		if hasContent(s.data[next:end]) {
			return s.current.start > 0 && (s.data[next] == ' ' || s.data[next] == '\t')
		}
		next = end
	}
	return false
}

// flush ends the current document at offset end. The next one begins at offset begin, on line first.
func (s *splitter) flush(end, begin, first int) {
	if s.current.start > 0 {
		s.current.text = s.data[s.begin:end]
		s.chunks = append(s.chunks, s.current)
	}
	s.begin = begin
	s.current = chunk{first: first}
	s.separated = false
}

// isMarker reports whether a line begins with a separator that is followed by white space or nothing.
func isMarker(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n')
}

// hasContent reports whether a line has anything besides white space and a comment.
func hasContent(line []byte) bool {
	trimmed := bytes.TrimLeft(line, " \t\n")
	return len(trimmed) > 0 && trimmed[0] != '#'
}

// lineLength returns the length of the first line, including its line break.
func lineLength(data []byte) int {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1
	}
	return len(data)
}
