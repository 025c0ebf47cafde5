package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// wideMapping is the number of keys above which a mapping gets an index. Below it a linear search is as fast.
const wideMapping = 16

// checker finds the problems in a parsed tree that do not depend on the meaning of the fields.
type checker struct {
	doc   *Document
	lines *lines
	// path leads to the current node.
	path []step
}

// checkTree checks the tree and reports whether the document may be decoded. It reports problems with single keys
// and marks the keys to be skipped.
func checkTree(d *Document, text *lines, limits Limits) bool {
	if !checkCost(d, limits) {
		return false
	}
	c := &checker{doc: d, lines: text}
	c.node(d.root)
	return true
}

// node checks a node where it is written. It does not follow aliases: their target is checked at its own place.
func (c *checker) node(n *yaml.Node) {
	c.tag(n)
	switch n.Kind {
	case yaml.MappingNode:
		c.mapping(n)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			c.below(step{index: i, isIndex: true}, item)
		}
	case yaml.ScalarNode:
		c.scalar(n)
	}
}

// below checks a node one step deeper.
func (c *checker) below(s step, n *yaml.Node) {
	c.path = append(c.path, s)
	c.node(n)
	c.path = c.path[:len(c.path)-1]
}

// mapping checks the keys of a mapping and the values below. It keeps an index of the keys of a large mapping, so
// that neither duplicates now nor fields later take a linear search.
func (c *checker) mapping(n *yaml.Node) {
	var index map[string]int
	if len(n.Content) > 2*wideMapping {
		index = make(map[string]int, len(n.Content)/2)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if !c.key(key) {
			continue
		}
		name := target(key).Value
		first, again := firstKey(n, index, name, i)
		if again {
			c.duplicate(key, n.Content[first], c.doc.shownKey(n, i).key)
			continue
		}
		if index != nil {
			index[name] = i
		}
		c.below(c.doc.shownKey(n, i), n.Content[i+1])
	}
	if index != nil {
		c.doc.wide[n] = index
	}
}

// firstKey returns the position of an earlier entry with the same name, using the index if there is one.
func firstKey(n *yaml.Node, index map[string]int, name string, before int) (int, bool) {
	if index != nil {
		i, ok := index[name]
		return i, ok
	}
	for i := 0; i < before; i += 2 {
		if key := n.Content[i]; isTextKey(key) && target(key).Value == name {
			return i, true
		}
	}
	return 0, false
}

// isTextKey reports whether a key is text. The keys 8080 and yes are text only in quotes.
func isTextKey(key *yaml.Node) bool {
	key = target(key)
	return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!str"
}

// key reports whether an entry can be decoded, and adds a problem when it cannot.
func (c *checker) key(key *yaml.Node) bool {
	switch {
	case isTextKey(key):
		return true
	case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
		c.skip(key, RuleKey, "merge keys (<<) are not supported", "write the fields out")
	case target(key).Kind == yaml.MappingNode && key.Style&yaml.FlowStyle != 0:
		c.skip(key, RuleKey, "a mapping in the place of a key", "braces that belong to a template are to be filled in first")
	case target(key).Kind != yaml.ScalarNode:
		c.skip(key, RuleKey, describe(key)+" in the place of a key", "")
	default:
		c.skip(key, RuleKey, "a key is text, this is "+describe(key), "put it in quotes")
	}
	return false
}

// duplicate reports a key that already occurred. The first occurrence is decoded.
func (c *checker) duplicate(key, first *yaml.Node, name string) {
	at := c.doc.place(first)
	what := "the field"
	if isShowable(name) {
		what = fmt.Sprintf("%q", name)
	}
	c.skip(key, RuleDuplicateKey, fmt.Sprintf("%s is given twice, first on line %d", what, at.line), c.duplicateHint())
}

// duplicateHint returns the hint for a duplicate key. A missing separator between documents or items is a more
// likely cause than a field that was written twice.
func (c *checker) duplicateHint() string {
	const remove = "remove one of the two"
	switch {
	case len(c.path) == 0:
		return remove + ", or put --- above it if another document begins here"
	case c.path[len(c.path)-1].isIndex:
		return remove + ", or put a dash before it if another item begins here"
	}
	return remove
}

// skip reports a key and excludes its entry from decoding.
func (c *checker) skip(key *yaml.Node, rule, message, hint string) {
	c.doc.skip(key)
	c.add(key, rule, message, hint)
}

// add reports a problem at a node. It computes position and path only while the report keeps problems.
func (c *checker) add(n *yaml.Node, rule, message, hint string) {
	p := Problem{Rule: rule, Message: message, Hint: hint}
	if !c.doc.report.full() {
		at := c.doc.place(n)
		p.Line, p.Column, p.Path = at.line, at.column, formatPath(c.path)
	}
	c.doc.report.add(p)
}

// tag refuses tags other than the standard ones, because they would change the meaning of a value.
func (c *checker) tag(n *yaml.Node) {
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!timestamp", "!!merge", "":
		return
	}
	if n.Kind == yaml.AliasNode {
		return
	}
	c.add(n, RuleTag, "tags (!...) are not supported", "remove the tag; text that begins with ! is to be quoted")
}
