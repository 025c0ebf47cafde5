package strictyaml

import (
	"slices"
	"strings"
)

// wordWithoutColon finds a word that stands alone although fields or items lie below it:
//
//	services
//	  cidrBlocks:
func (p *parser) wordWithoutColon(line int, s shape) *finding {
	below := p.lines.next(line)
	if !isWord(s.value) || s.entry || below == 0 {
		return nil
	}
	b := p.lines.shape(below)
	deeper := b.indent > s.column && (b.entry || b.item())
	list := b.indent == s.column && b.item() && !s.item()
	if !deeper && !list {
		return nil
	}
	return p.missingColon(line, s.column, s.value)
}

// missingColon returns a finding for a word without a colon, with a repair that adds it.
func (p *parser) missingColon(line, at int, word string) *finding {
	f := p.syntax(line, at, "a colon is missing after this word", "write a colon after it")
	if p.mayName(word) {
		f.message = "a colon is missing after `" + word + "`"
		f.hint = "write `" + word + ":`"
	}
	return f.with(insert(p.lines.at(line), at+len(word), ":"))
}

// fieldWithoutColon finds the name of a field and its value with no colon in between.
func (p *parser) fieldWithoutColon(line int, s shape) *finding {
	word, _, ok := strings.Cut(s.value, " ")
	if s.entry || !ok || !slices.Contains(p.vocabulary(), word) {
		return nil
	}
	return p.missingColon(line, s.column, word)
}

// loneWord finds a word between entries, with nothing below it.
func (p *parser) loneWord(line int, s shape) *finding {
	if !isWord(s.text()) || !p.amongEntries(line, s) {
		return nil
	}
	f := p.missingColon(line, s.column, s.value)
	// An entry without a value would add a type error, so the repair blanks the line instead.
	f.repairs = nil
	return f.with("")
}

// amongEntries reports whether an adjacent line is an entry in the same column.
func (p *parser) amongEntries(line int, s shape) bool {
	for _, other := range []int{p.lines.previous(line), p.lines.next(line)} {
		if o := p.lines.shape(other); o.entry && o.column == s.column {
			return true
		}
	}
	return false
}

// colonWithoutSpace finds key:value, which YAML takes for one word. It leaves out :: and :/, which belong to
// addresses and URLs.
func (p *parser) colonWithoutSpace(line int, s shape) *finding {
	key, value, ok := strings.Cut(s.value, ":")
	if s.entry || !ok || value == "" || !isWord(key) || value[0] == ':' || value[0] == '/' {
		return nil
	}
	if !slices.Contains(p.vocabulary(), key) && !p.amongEntries(line, s) {
		return nil
	}
	at := s.valueAt + len(key) + 1
	hint := "write a space between the key and its value"
	return p.syntax(line, s.valueAt, "a space is missing after the colon", hint).with(insert(p.lines.at(line), at, " "))
}

// dashWithoutSpace finds a list item that begins with "-x". The lines around it must show that it is in a list.
func (p *parser) dashWithoutSpace(line int, s shape) *finding {
	text := p.lines.at(line)[s.indent:]
	if len(text) < 2 || text[0] != '-' || text[1] == '-' || text[1] == ' ' {
		return nil
	}
	above := p.lines.shape(p.lines.previous(line))
	below := p.lines.shape(p.lines.next(line))
	isList := above.item() && above.indent == s.indent || below.item() && below.indent == s.indent || above.entry && above.value == ""
	if !isList {
		return nil
	}
	f := p.syntax(line, s.indent, "a space is missing after the dash", `an item begins with "- "`)
	return f.with(insert(p.lines.at(line), s.indent+1, " "))
}

// itemBesideKey finds "key: - item".
func (p *parser) itemBesideKey(line int, s shape) *finding {
	if !s.entry || !strings.HasPrefix(s.value, "- ") {
		return nil
	}
	return p.syntax(line, s.valueAt, "a list item stands in the line of its key", "write every item on a line of its own")
}

// isWord reports whether a text may be the name of a field.
func isWord(text string) bool {
	return isPlain(text) && len(text) <= maxShownKey && text[0] != '-' && (text[0] < '0' || text[0] > '9')
}

// mayName reports whether a message may name a word: it is the name of a field, or close to one, and hence not a
// secret.
func (p *parser) mayName(word string) bool {
	return Nearest(word, p.vocabulary()) != ""
}

// vocabulary returns the names of fields, which it requests from the caller once.
func (p *parser) vocabulary() []string {
	if p.names == nil && p.words != nil {
		p.names = p.words()
	}
	return p.names
}
