package strictyaml

import (
	"fmt"
	"strings"
)

// openQuote finds the first quote, up to the line last, that is closed neither in its own line nor, as in a text
// over several lines, at the end of a later one.
func (p *parser) openQuote(last int) *finding {
	for line := 1; line <= last; line++ {
		s := p.lines.shape(line)
		if s.value == "" || s.value[0] != '"' && s.value[0] != '\'' || closingQuote(s.value[1:], s.value[0]) >= 0 {
			continue
		}
		end := p.closedIn(line, s.value[0])
		if end == 0 {
			f := p.syntax(line, s.valueAt, "this quote is not closed", "close it at the end of the value")
			return f.with(closeQuote(p.lines.at(line), s))
		}
		line = end
	}
	return nil
}

// closedIn returns the later line that ends with the closing quote, or 0.
func (p *parser) closedIn(line int, quote byte) int {
	for line++; line <= p.lines.count(); line++ {
		text := p.lines.at(line)
		if end := closingQuote(text, quote); end >= 0 {
			if strings.Trim(withoutComment(" "+text[end+1:]), " \t,]}") == "" {
				return line
			}
			return 0
		}
	}
	return 0
}

// closingQuote returns the offset of the quote that ends a text, or -1. A quote is escaped by a backslash in double
// quotes, and by another quote in single quotes.
func closingQuote(text string, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch {
		case quote == '"' && text[i] == '\\':
			i++
		case quote == '\'' && strings.HasPrefix(text[i:], "''"):
			i++
		case text[i] == quote:
			return i
		}
	}
	return -1
}

// closeQuote returns the line with the quote closed, before a comment if there is one.
func closeQuote(line string, s shape) string {
	value, comment, found := strings.Cut(line[s.valueAt:], " #")
	closed := line[:s.valueAt] + strings.TrimRight(value, " \t\\") + s.value[:1]
	if found {
		closed += " #" + comment
	}
	return closed
}

// plainValue returns the value of an entry or item when it is not quoted, a flow collection or a block scalar.
func (s shape) plainValue() string {
	if s.value == "" || !s.entry && !s.item() || strings.IndexByte("\"'[{|>", s.value[0]) >= 0 {
		return ""
	}
	return s.value
}

// quoteValue returns the line with its value in single quotes.
func quoteValue(line string, s shape) string {
	end := s.valueAt + len(s.value)
	return line[:s.valueAt] + "'" + strings.ReplaceAll(s.value, "'", "''") + "'" + line[end:]
}

// addressEndingInColon finds "address: fd12::". Its last colon makes the address a key.
func (p *parser) addressEndingInColon(line int, s shape) *finding {
	value := s.plainValue()
	if !strings.HasSuffix(value, "::") || strings.Trim(value, "0123456789abcdefABCDEF:") != "" {
		return nil
	}
	f := p.syntax(line, s.valueAt, "an address that ends with a colon is to be in quotes", "put it in quotes")
	return f.with(quoteValue(p.lines.at(line), s))
}

// reservedCharacter finds values that begin with a character that YAML reserves. A valid alias, anchor or tag is
// not one of them.
func (p *parser) reservedCharacter(line int, s shape) *finding {
	value := s.plainValue()
	if value == "" || strings.IndexByte("*&@`%!]},", value[0]) < 0 || strings.IndexByte("*&!", value[0]) >= 0 && isPlain(value[1:]) {
		return nil
	}
	f := p.syntax(line, s.valueAt, fmt.Sprintf("a text that begins with %c is to be in quotes", value[0]), "put it in quotes")
	return f.with(quoteValue(p.lines.at(line), s))
}

// unknownAnchor finds the alias that the parser reported to have no anchor. Most of these are meant as text: a star
// in front of a name.
func (p *parser) unknownAnchor(err error) *finding {
	_, rest, _ := strings.Cut(err.Error(), "unknown anchor '")
	name, _, ok := strings.Cut(rest, "'")
	if !ok {
		return nil
	}
	for line := 1; line <= p.lines.count(); line++ {
		s := p.lines.shape(line)
		if s.value != "*"+name {
			continue
		}
		f := p.syntax(line, s.valueAt, "an alias (*) without an anchor (&) above it", "text that begins with * is to be in quotes")
		f.rule = RuleAlias
		return f.with(quoteValue(p.lines.at(line), s))
	}
	return nil
}

// colonInValue finds "key: text: more".
func (p *parser) colonInValue(line int, s shape) *finding {
	value := s.plainValue()
	if !s.entry || value == "" || colon(value) < 0 {
		return nil
	}
	f := p.syntax(line, s.valueAt+colon(value), "a second colon in one line", "put the value in quotes, or begin a new line")
	return f.with(quoteValue(p.lines.at(line), s))
}

// textAfterQuote finds `key: "text" more`.
func (p *parser) textAfterQuote(line int, s shape) *finding {
	if s.value == "" || s.value[0] != '"' && s.value[0] != '\'' {
		return nil
	}
	end := closingQuote(s.value[1:], s.value[0]) + 2
	if end < 2 || end >= len(s.value) || s.value[end] == ':' {
		return nil
	}
	f := p.syntax(line, s.valueAt+end, "text after the closing quote", "put the whole value in quotes")
	at := s.valueAt + end
	return f.with(p.lines.at(line)[:at])
}

// openBracket finds a list in brackets or a mapping in braces that is not closed before a field that cannot be part
// of it.
func (p *parser) openBracket(line int, s shape) *finding {
	above := p.lines.previous(line)
	a := p.lines.shape(above)
	if !s.entry || a.value == "" || a.value[0] != '[' && a.value[0] != '{' || s.indent > a.indent {
		return nil
	}
	end := map[byte]string{'[': "]", '{': "}"}[a.value[0]]
	if strings.HasSuffix(a.value, end) {
		return nil
	}
	f := p.syntax(above, a.valueAt, "this bracket is not closed", "close it with "+end)
	at := a.valueAt + len(a.value)
	return f.with(insert(p.lines.at(above), at, end))
}
