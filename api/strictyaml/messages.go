package strictyaml

import (
	"errors"
	"fmt"
	"strings"
)

// fallback returns a finding for an error of the parser that no check of the lines explains.
func (p *parser) fallback(err error, last int) finding {
	line := last
	if line > 1 && p.lines.shape(line).blank() {
		line = max(p.lines.previous(line), 1)
	}
	if n := quoteLine(err); n > 0 {
		line = n
	}
	line = min(max(line, 1), p.lines.count())
	f := finding{line: line, column: 1, rule: RuleSyntax}
	f.column = columnOf(p.lines.at(line), p.lines.shape(line).indent)
	f.rule, f.message, f.hint = explain(err)
	return f
}

// quoteLine returns the line in the parser's error when it is about an unclosed quote, and 0 otherwise. Only for
// quotes it is the line of the mistake.
func quoteLine(err error) int {
	var line int
	if text := err.Error(); strings.Contains(text, "unexpected end of stream") {
		if _, err := fmt.Sscanf(text, "yaml: line %d:", &line); err != nil {
			return 0
		}
	}
	return line
}

// explanation maps a part of the parser's error text to the problem for the author.
type explanation struct{ pattern, rule, message, hint string }

// explain translates an error of the parser into plain words. It does not repeat the parser's text, since that of
// an unknown anchor contains a part of the input. The first pattern that matches wins, so general ones come last.
func explain(err error) (rule, message, hint string) {
	const structure = "look for a missing colon, dash or quote here and in the lines above"
	if errors.Is(err, errSecondRoot) {
		return RuleSyntax, "more text after the end of the value", structure
	}
	text := err.Error()
	for _, e := range []explanation{
		{"exceeded max depth", RuleLimit, "nested too deep", ""},
		{"unknown anchor", RuleAlias, "an alias (*) in or above this line has no anchor (&)", "text that begins with * is to be in quotes"},
		{"did not find expected alphabetic", RuleSyntax, "a name is missing after * or &", "text that begins with * or & is to be in quotes"},
		{"mapping values are not allowed", RuleSyntax, "a colon is not expected here", structure},
		{"could not find expected ':'", RuleSyntax, "a colon is missing here or in the line above", ""},
		{"did not find expected key", RuleSyntax, "this line does not fit the mapping that it is in", structure},
		{"did not find expected '-'", RuleSyntax, "this line does not fit its list", `items begin with "- ", all in the same column`},
		{"block sequence entries are not allowed", RuleSyntax, "a list item is not expected here", structure},
		{"did not find expected ',' or", RuleSyntax, "a comma or a closing bracket is missing", ""},
		{"did not find expected node content", RuleSyntax, "a value is missing", ""},
		{"unexpected end of stream", RuleSyntax, "the document ends inside of quotes", "close the quotes"},
		{"unexpected document indicator", RuleSyntax, "the document ends inside of quotes", "close the quotes"},
		{"cannot start any token", RuleSyntax, "a value cannot begin with this character", "put it in quotes"},
		{"escape", RuleSyntax, `a backslash in double quotes begins no known escape`, `write \\ for a backslash, or use single quotes`},
		{"tag", RuleTag, "tags (!...) are not supported", "text that begins with ! is to be in quotes"},
	} {
		if strings.Contains(text, e.pattern) {
			return e.rule, e.message, e.hint
		}
	}
	return RuleSyntax, "this cannot be read as YAML", structure
}
