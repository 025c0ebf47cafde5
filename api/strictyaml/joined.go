package strictyaml

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// scalar finds text that is valid YAML but that no author intends: dots for omitted text, and lines that YAML joins
// because one is indented too deep. Quoted text and block scalars are exempt.
func (c *checker) scalar(n *yaml.Node) {
	if isQuoted(n) || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return
	}
	switch {
	case isDots(n.Value):
		c.leftOut(n)
	case strings.HasSuffix(n.Value, " ...") || strings.HasSuffix(n.Value, " …"):
		if joined := c.joined(n); len(joined) > 0 && isDots(c.lines.shape(joined[len(joined)-1]).text()) {
			c.leftOut(n)
		}
	case strings.Contains(n.Value, " - ") || strings.Contains(n.Value, "\n- "):
		c.joinedItems(n)
	}
}

// leftOut reports a placeholder and excludes it from decoding, which would report a second problem.
func (c *checker) leftOut(n *yaml.Node) {
	c.add(n, RulePlaceholder, placeholderMessage, placeholderHint)
	c.doc.skip(n)
}

// joinedItems reports a list item that became part of the one above:
//
//	cidrBlocks:
//	- 172.16.0.0/20
//	 - fd12::5:0/116
func (c *checker) joinedItems(n *yaml.Node) {
	for _, line := range c.joined(n) {
		s := c.lines.shape(line)
		if !s.item() {
			continue
		}
		at := *n
		at.Line, at.Column = line, columnOf(c.lines.at(line), s.indent)
		c.add(&at, RuleSyntax, "indented deeper than the item above, so that YAML joins both into one text",
			"begin all items of a list in the same column")
		c.doc.skip(n)
		return
	}
}

// joined returns the lines, after its first one, over which a value continues.
func (c *checker) joined(n *yaml.Node) []int {
	first := c.lines.shape(n.Line).value
	rest, ok := strings.CutPrefix(n.Value, first)
	var lines []int
	for line := n.Line + 1; ok && first != "" && rest != "" && line <= c.lines.count(); line++ {
		text := withoutComment(strings.TrimLeft(c.lines.at(line), " \t"))
		if text == "" {
			continue
		}
		if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " \n"), text); ok {
			lines = append(lines, line)
		}
	}
	return lines
}
