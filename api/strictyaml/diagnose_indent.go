package strictyaml

import "fmt"

// deeperThanValue finds an entry that is indented below an entry with a value:
//
//	mode: bundled
//	  type: layer2
//
// The repair moves it to the left, together with all following lines in the same column or deeper.
func (p *parser) deeperThanValue(line int, s shape) *finding {
	a := p.lines.shape(p.lines.previous(line))
	if !a.entry || a.value == "" || isBlockScalar(a.value) || !s.entry || s.indent <= a.column {
		return nil
	}
	by := s.indent - a.column
	f := p.syntax(line, s.indent,
		fmt.Sprintf("indented deeper (by %s) than the line above, which has a value already", spaces(by)),
		"begin both lines in the same column")
	for ; line <= p.lines.count(); line++ {
		switch text := p.lines.at(line); {
		case !hasContent([]byte(text)):
		case shapeOf(text).indent < s.indent:
			return f
		case len(f.repairs) == maxRepairedLines:
			f.repairs = nil
			return f
		default:
			f.repairs = append(f.repairs, repair{line, text[by:]})
		}
	}
	return f
}

// missingDash finds an entry in the column of list items:
//
//	nodes:
//	  - address: 10.2.0.4
//	  address: 10.2.0.5
//
// It has no repair: the line may be a new item or belong to the item above.
func (p *parser) missingDash(line int, s shape) *finding {
	if s.item() {
		return nil
	}
	for above := p.lines.previous(line); above > 0; above = p.lines.previous(above) {
		a := p.lines.shape(above)
		if a.indent > s.indent {
			continue
		}
		if a.indent < s.indent || !a.item() {
			return nil
		}
		parent := p.lines.shape(p.owner(above))
		// A list may be in the column of its key. Then the line is simply the next field.
		if parent.indent == s.indent {
			return nil
		}
		return p.syntax(line, s.indent, "this line is in the column of list items but has no dash",
			`begin it with "- " if it is an item, or indent it by two more spaces if it belongs to the item above`)
	}
	return nil
}

// owner returns the line of the key whose value is the list that contains an item, or 0.
func (p *parser) owner(line int) int {
	indent := p.lines.shape(line).indent
	for line = p.lines.previous(line); line > 0; line = p.lines.previous(line) {
		if s := p.lines.shape(line); s.indent < indent || s.indent == indent && !s.item() {
			return line
		}
	}
	return 0
}

// misaligned finds a line that begins in a column in which no block above begins.
func (p *parser) misaligned(line int, s shape) *finding {
	above := p.lines.previous(line)
	if above == 0 || s.indent > p.lines.shape(above).column {
		return nil
	}
	lower, upper := -1, 0 // the indentations of the two blocks between which the line lies
	for ; above > 0 && lower < 0; above = p.lines.previous(above) {
		a := p.lines.shape(above)
		switch {
		case a.indent == s.indent || a.column == s.indent:
			return nil
		case a.indent < s.indent:
			lower = a.indent
		default:
			upper = a.indent
		}
	}
	message := fmt.Sprintf("indented by %s, but the blocks above by %d and %d", spaces(s.indent), lower, upper)
	if lower < 0 {
		message = "indented less than the first line of the document"
	}
	return p.syntax(line, s.indent, message, "lines that belong together begin in the same column")
}

// spaces returns "1 space" or "N spaces".
func spaces(n int) string {
	if n == 1 {
		return "1 space"
	}
	return fmt.Sprintf("%d spaces", n)
}
