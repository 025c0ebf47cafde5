package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Options configure Parse.
type Options struct {
	Limits Limits
	// Words returns the names of all fields that the file may have. A message about a syntax error names a word of
	// the file only when it is one of them or close to one; any other word may be part of a secret. Words is called
	// only when there is a syntax error.
	Words func() []string
}

// Document is one document of a file. [Document.Decode] modifies it, and shares a cache of types with the other
// documents of the file, so it is not safe for concurrent use within a file. All other methods only read.
type Document struct {
	// Line is the first line with content.
	Line int
	// Bare is set when the document is separated from the previous one only by a "..." line.
	Bare bool

	// root is nil when the document could not be parsed.
	root *yaml.Node
	// offset is added to the line of a node to get the line of the file.
	offset int
	// guessed holds the lines on which a repair made a key that is not a known name.
	guessed map[int]bool
	// shifted holds, by line, what is added to columns because a repair changed the indentation.
	shifted map[int]int
	// skipped holds keys and values that already have a problem and are not decoded.
	skipped map[*yaml.Node]bool
	// nulls holds the null values that stand for absent fields.
	nulls map[*yaml.Node]bool
	// wide holds the index of each large mapping: the position of a key in Content.
	wide map[*yaml.Node]map[string]int
	// types is shared by all documents of a file.
	types  structures
	report report
}

// Parse splits a file into documents and parses each. It drops documents without content. The returned problems
// concern the file as a whole, which then has no documents; those of a single document are returned by
// [Document.Problems].
func Parse(data []byte, options Options) ([]*Document, []Problem) {
	limits := options.Limits.orDefaults()
	text, problem := clean(data, limits)
	if problem != nil {
		return nil, []Problem{*problem}
	}
	chunks := split(text)
	if len(chunks) > limits.Documents {
		return nil, []Problem{{
			Line: chunks[limits.Documents].start, Column: 1, Rule: RuleLimit,
			Message: fmt.Sprintf("the file holds more than %d documents", limits.Documents), Hint: "split it into several files",
		}}
	}
	var docs []*Document
	types := structures{}
	for _, c := range chunks {
		d := &Document{
			Line: c.start, Bare: c.bare, offset: c.first - 1, report: report{limit: limits.Problems},
			guessed: map[int]bool{}, shifted: map[int]int{}, skipped: map[*yaml.Node]bool{},
			nulls: map[*yaml.Node]bool{}, wide: map[*yaml.Node]map[string]int{}, types: types,
		}
		p := newParser(c.text, d, options.Words)
		d.root = p.parse()
		if d.root != nil && isNull(d.root) && !d.hasErrors() {
			continue
		}
		if d.root != nil && !checkTree(d, p.lines, limits) {
			d.root = nil
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// Readable reports whether the document could be parsed, possibly with repairs. If not, its problems tell why, and
// it appears to have no fields.
func (d *Document) Readable() bool { return d.root != nil }

// Problems returns the problems found so far by Parse and Decode, in the order of the file.
func (d *Document) Problems() []Problem {
	return d.report.sorted()
}

// IsMapping reports whether the document holds fields, rather than a list or a single value.
func (d *Document) IsMapping() bool {
	return d.root != nil && d.root.Kind == yaml.MappingNode
}

// Keys returns the names of the top-level fields, in the order of the file.
func (d *Document) Keys() []string {
	var keys []string
	if d.IsMapping() {
		for i := 0; i < len(d.root.Content); i += 2 {
			if key := d.root.Content[i]; isTextKey(key) {
				keys = append(keys, target(key).Value)
			}
		}
	}
	return keys
}

// Text returns the text of a scalar field. It returns false when the field is absent, null or not a scalar.
func (d *Document) Text(path string) (string, bool) {
	found := d.find(path)
	if !found.complete || found.value.Kind != yaml.ScalarNode || isNull(found.value) {
		return "", false
	}
	return found.value.Value, true
}

// Has reports whether the document has the field. A null that Decode accepted as an absent field does not count.
func (d *Document) Has(path string) bool {
	f := d.find(path)
	return f.complete && !d.nulls[f.value]
}

// allowNull records that a null stands for an absent field.
func (d *Document) allowNull(n *yaml.Node) {
	d.nulls[n] = true
}

// hasErrors reports whether the document has problems. Parse calls it before Decode, which is the only source of
// warnings.
func (d *Document) hasErrors() bool { return len(d.report.kept) > 0 }

// place returns the position of a node in the file.
func (d *Document) place(n *yaml.Node) place {
	return place{line: n.Line + d.offset, column: n.Column + d.shifted[n.Line]}
}

// skip excludes a key or value from decoding, because it already has a problem.
func (d *Document) skip(n *yaml.Node) { d.skipped[n] = true }

// isNull reports whether a node is null, ~ or empty.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// target returns the node itself, or the one that an alias refers to.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
