package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// wideMapping is how many keys a mapping has before it gets an index.
const wideMapping = 16

// checker looks through the tree that the parser made for what is wrong whatever the fields mean.
type checker struct {
	doc   *Document
	lines *lines
	path  []step
}

// checkTree reports whether the document may be decoded; what is wrong with single keys is reported
// and the keys are passed over.
func checkTree(d *Document, text *lines, limits Limits) bool {
	if !checkCost(d, limits) {
		return false
	}
	c := &checker{doc: d, lines: text}
	c.node(d.root)
	return true
}

// node checks a node as it is written: what an alias stands for is checked where it is written.
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

// below checks what lies one step deeper.
func (c *checker) below(s step, n *yaml.Node) {
	c.path = append(c.path, s)
	c.node(n)
	c.path = c.path[:len(c.path)-1]
}

// mapping checks keys, and keeps an index of the keys of a large mapping, which finds duplicates now and
// fields later without a search through all.
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

// firstKey finds an earlier entry of the same name, in the index if there is one.
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

// isTextKey reports whether a key is text; 8080 and yes in quotes are.
func isTextKey(key *yaml.Node) bool {
	key = target(key)
	return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!str"
}

// key reports whether an entry can be decoded, and says why not.
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

func (c *checker) duplicate(key, first *yaml.Node, name string) {
	at := c.doc.place(first)
	what := "the field"
	if isShowable(name) {
		what = fmt.Sprintf("%q", name)
	}
	c.skip(key, RuleDuplicateKey, fmt.Sprintf("%s is given twice, first on line %d", what, at.line), c.duplicateHint())
}

// duplicateHint knows that what separates documents and items is forgotten more often than a field is
// written twice.
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

func (c *checker) skip(key *yaml.Node, rule, message, hint string) {
	c.doc.skip(key)
	c.add(key, rule, message, hint)
}

func (c *checker) add(n *yaml.Node, rule, message, hint string) {
	p := Problem{Rule: rule, Message: message, Hint: hint}
	if !c.doc.report.full() {
		at := c.doc.place(n)
		p.Line, p.Column, p.Path = at.line, at.column, formatPath(c.path)
	}
	c.doc.report.add(p)
}

// tag refuses tags that would give a value a meaning of its own.
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
