package strictyaml

import (
	"fmt"
	"slices"
	"strings"
)

const (
	placeholderMessage = `"..." looks like a placeholder for something left out`
	placeholderHint    = "write what belongs here, or remove the line"

	tabMessage = "tab in the indentation; YAML wants spaces"

	// window is the number of lines with content, up from where the parser stopped, that are searched for the
	// mistake.
	window = 3

	// maxRepairedLines is the maximum number of lines that the repair of one mistake may change.
	maxRepairedLines = 10_000
)

// finding is a syntax error, with the repairs that correct the text where the mistake is understood well enough.
type finding struct {
	line, column int
	message      string
	hint         string
	rule         string
	repairs      []repair
}

// repair replaces one line. It preserves columns as far as possible, because problems found later point at the
// author's text.
type repair struct {
	line int
	text string
}

// diagnose returns the mistakes in a text that does not parse. The parser stopped in the line last or the one
// before; the author's mistake is there or not far above. Checks of the whole text come first, then checks of
// single lines, from the most specific one to the most general one. The parser's own error is the last resort.
func (p *parser) diagnose(err error, last int) []finding {
	for _, everywhere := range []func() []finding{p.tabs, p.oddSpaces, p.lonelyDots} {
		if found := everywhere(); found != nil {
			return found
		}
	}
	last = min(last, p.lines.count())
	for _, f := range []*finding{p.unknownAnchor(err), p.openQuote(last)} {
		if f != nil {
			return []finding{*f}
		}
	}
	for _, look := range []func(int, shape) *finding{
		p.wordWithoutColon, p.fieldWithoutColon, p.colonWithoutSpace, p.dashWithoutSpace, p.addressEndingInColon,
		p.reservedCharacter, p.itemBesideKey, p.colonInValue, p.textAfterQuote, p.openBracket,
		p.deeperThanValue, p.missingDash, p.misaligned, p.loneWord,
	} {
		for line, n := last, 0; line > 0 && n < window; line, n = p.lines.previous(line), n+1 {
			s := p.lines.shape(line)
			if s.blank() {
				continue
			}
			if f := look(line, s); f != nil {
				return []finding{*f}
			}
		}
	}
	if f := p.tabBeforeComment(last); f != nil {
		return []finding{*f}
	}
	return []finding{p.fallback(err, last)}
}

// syntax returns a finding at an offset in a line.
func (p *parser) syntax(line, offset int, message, hint string) *finding {
	return &finding{
		line: line, column: columnOf(p.lines.at(line), offset),
		message: message, hint: hint, rule: RuleSyntax,
	}
}

// with adds a repair of the finding's own line.
func (f *finding) with(text string) *finding {
	f.repairs = append(f.repairs, repair{f.line, text})
	return f
}

// insert returns the line with a text inserted at an offset.
func insert(line string, offset int, text string) string {
	return line[:offset] + text + line[offset:]
}

// hasDirective reports a line that begins with %. The YAML library takes it for a directive wherever it is, and its
// time grows with the square of their number.
func (p *parser) hasDirective() bool {
	if !strings.Contains(string(p.lines.source), "\n%") {
		return false
	}
	for line := 1; line <= p.lines.count(); line++ {
		if strings.HasPrefix(p.lines.at(line), "%") {
			p.add(*p.syntax(line, 0, "a line that begins with %", "directives come before the line ---; text that begins with % is to be in quotes"))
			return true
		}
	}
	return false
}

// blankMarkers reports and blanks "..." lines in the first column. The splitter keeps only those that stand for
// omitted text.
func (p *parser) blankMarkers() {
	if !strings.Contains(string(p.lines.source), "\n...") {
		return
	}
	for line := 1; line <= p.lines.count(); line++ {
		if isMarker([]byte(p.lines.at(line)), "...") {
			p.add(p.placeholder(line))
			p.lines.replace(line, "")
		}
	}
}

// placeholder returns a finding for a line of dots, with a repair that blanks the line.
func (p *parser) placeholder(line int) finding {
	f := p.syntax(line, p.lines.shape(line).indent, placeholderMessage, placeholderHint)
	f.rule = RulePlaceholder
	return *f.with("")
}

// lonelyDots finds indented "..." lines.
func (p *parser) lonelyDots() []finding {
	var found []finding
	for _, line := range p.lines.dots() {
		found = append(found, p.placeholder(line))
	}
	return found
}

// tabs finds tabs in the indentation. The repair replaces each tab by one space, which preserves the structure only
// where lines are indented by nothing else.
func (p *parser) tabs() []finding {
	var first *finding
	var repairs []repair
	mixed := false // some lines are indented by spaces
	for line := 1; line <= p.lines.count(); line++ {
		s := p.lines.shape(line)
		indent := p.lines.at(line)[:s.indent]
		switch {
		case s.blank() || indent == "":
		case !strings.Contains(indent, "\t"):
			mixed = true
		default:
			mixed = mixed || strings.Contains(indent, " ")
			if first == nil {
				first = p.syntax(line, strings.IndexByte(indent, '\t'), tabMessage, "")
			}
			repairs = append(repairs, repair{line, strings.Repeat(" ", s.indent) + p.lines.at(line)[s.indent:]})
		}
	}
	if first == nil {
		return nil
	}
	first.hint = "indent with spaces" + inLines(len(repairs))
	if !mixed && len(repairs) <= maxRepairedLines {
		first.repairs = repairs
	}
	return []finding{*first}
}

// tabBeforeComment finds a comment that is indented by a tab, which the YAML library accepts in some places only.
func (p *parser) tabBeforeComment(last int) *finding {
	for line := max(last-1, 1); line <= last; line++ {
		text := strings.TrimLeft(p.lines.at(line), " ")
		if strings.HasPrefix(text, "\t") && !hasContent([]byte(text)) && strings.Contains(text, "#") {
			return p.syntax(line, len(p.lines.at(line))-len(text), tabMessage, "indent with spaces").with("")
		}
	}
	return nil
}

// inLines returns the part of a hint that counts further lines with the same mistake.
func inLines(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(", in this and %d more lines", n-1)
}

// oddSpaces finds characters that only look like spaces, as copied from web pages: before the first word of a line,
// or after a colon or dash.
func (p *parser) oddSpaces() []finding {
	var first *finding
	var repairs []repair
	for line := 1; line <= p.lines.count(); line++ {
		text := p.lines.at(line)
		at := oddSpaceAt(text)
		if at < 0 || p.lines.shape(line).blank() {
			continue
		}
		if first == nil {
			r := []rune(text[at:])[0]
			first = p.syntax(line, at, fmt.Sprintf("this is not a space but U+%04X, which looks like one", r), "")
		}
		repairs = append(repairs, repair{line, strings.Map(plainSpace, text)})
	}
	if first == nil {
		return nil
	}
	first.hint = "type a space instead" + inLines(len(repairs))
	first.repairs = repairs
	return []finding{*first}
}

// oddSpaceAt returns the offset of the first such character where YAML needs a space, or -1. Inside words and texts
// these characters may be intended.
func oddSpaceAt(text string) int {
	structural := true // at the beginning of the line, or after an indicator
	for i, r := range text {
		switch {
		case structural && plainSpace(r) != r:
			return i
		case r == ' ':
		default:
			structural = strings.ContainsRune("-:?", r) || structural && r == '\t'
		}
	}
	return -1
}

// plainSpace maps typographic spaces, including those of no width, to the ASCII space. It returns other characters
// unchanged.
func plainSpace(r rune) rune {
	odd := []rune{'\u00A0', '\u202F', '\u205F', '\u2060', '\u3000'}
	if r >= '\u2000' && r <= '\u200D' || slices.Contains(odd, r) {
		return ' '
	}
	return r
}
