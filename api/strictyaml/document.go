package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Options are what a caller may set about parsing.
type Options struct {
	Limits Limits
	// Words gives the names of all fields the file may have. A word of the file that takes part in a
	// syntax error is named in the message only when it is one of them or close to one, since it
	// may be part of a secret otherwise. It is called when there is a syntax error.
	Words func() []string
}

// Document is one document of a file. [Document.Decode] changes it, and shares what it learns of types
// with the other documents of the file; everything else only reads.
type Document struct {
	// Line is the first line that says something.
	Line int
	// Bare is set when nothing but a "..." line separates the document from the one before.
	Bare bool

	// root is nil when the document could not be parsed.
	root *yaml.Node
	// offset is what is added to a node's line to give that of the file.
	offset int
	// guessed are lines that got a key by repair which is no known name.
	guessed map[int]bool
	// shifted is what is added to columns of lines whose indentation was repaired.
	shifted map[int]int
	// skipped are keys and values that are reported already and not decoded.
	skipped map[*yaml.Node]bool
	// nulls are values that stand for absent fields.
	nulls map[*yaml.Node]bool
	// wide finds the entries of large mappings: the index of a key in Content.
	wide map[*yaml.Node]map[string]int
	// types is shared by the documents of a file.
	types  structures
	report report
}

// Parse cuts a file into documents and parses each. Documents that hold nothing are left out. The
// problems it returns are those of the file as a whole, which then has no documents; those of a
// document are in [Document.Problems].
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

// Readable reports whether the document could be parsed, if need be with repairs; if not, its
// problems say why, and it seems to have no fields.
func (d *Document) Readable() bool { return d.root != nil }

// Problems gives what was found so far, in the order of the file: by parsing, and by Decode.
func (d *Document) Problems() []Problem {
	return d.report.sorted()
}

// IsMapping reports whether the document holds fields, and not a list or a lone value.
func (d *Document) IsMapping() bool {
	return d.root != nil && d.root.Kind == yaml.MappingNode
}

// Keys gives the names of the top-level fields, in the order of the file.
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

// Text gives the text of a scalar field, and false when the field is absent or something else.
func (d *Document) Text(path string) (string, bool) {
	found := d.find(path)
	if !found.complete || found.value.Kind != yaml.ScalarNode || isNull(found.value) {
		return "", false
	}
	return found.value.Value, true
}

// Has reports whether the document has the field. A null that Decode took for an absent field is one.
func (d *Document) Has(path string) bool {
	f := d.find(path)
	return f.complete && !d.nulls[f.value]
}

// allowNull notes that a null stands for an absent field.
func (d *Document) allowNull(n *yaml.Node) {
	d.nulls[n] = true
}

func (d *Document) hasErrors() bool { return len(d.report.kept) > 0 }

// place is the place of a node in the file.
func (d *Document) place(n *yaml.Node) place {
	return place{line: n.Line + d.offset, column: n.Column + d.shifted[n.Line]}
}

// skip keeps a key or value from being decoded, for it is reported already.
func (d *Document) skip(n *yaml.Node) { d.skipped[n] = true }

// isNull knows null, ~ and nothing at all.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// target is the node itself or the one that an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
