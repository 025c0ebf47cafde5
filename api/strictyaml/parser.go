package strictyaml

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
)

const (
	// maxRepairs is the maximum number of rounds in which syntax errors of one document are repaired.
	maxRepairs = 20
	// repairBytes is the maximum number of bytes that are parsed again because of repairs. It bounds the time for
	// large files.
	repairBytes = 16 << 20
)

// parser parses one document, repeatedly while it finds syntax errors that it can repair.
type parser struct {
	doc   *Document
	lines *lines
	// words returns the names of fields; see Options.Words. names caches the result.
	words func() []string
	names []string
}

// newParser returns a parser for the text of one document. It reports problems to doc.
func newParser(text []byte, doc *Document, words func() []string) *parser {
	return &parser{doc: doc, lines: newLines(text), words: words}
}

// parse returns the root of the document, or nil when it cannot be parsed. Syntax errors are reported even when a
// repair succeeds.
func (p *parser) parse() *yaml.Node {
	if p.hasDirective() {
		return nil
	}
	p.blankMarkers()
	// Each round parses the whole text again.
	budget := repairBytes
	for repairs := 0; ; repairs++ {
		root, last, err := parseOnce(p.lines.text())
		if err == nil {
			return root
		}
		repaired := false
		for _, f := range p.diagnose(err, last) {
			p.add(f)
			for _, r := range f.repairs {
				p.repair(r)
				repaired = true
			}
		}
		budget -= p.lines.size
		if !repaired || repairs == maxRepairs || budget < 0 {
			return nil
		}
	}
}

// repair replaces a line. It records how far the text moved, so that positions refer to the author's text, and keys
// that may not be names, which problems must not repeat.
func (p *parser) repair(r repair) {
	before, after := shapeOf(p.lines.at(r.line)), shapeOf(r.text)
	p.lines.replace(r.line, r.text)
	if after.blank() {
		return
	}
	p.doc.shifted[r.line] += before.indent - after.indent
	if after.entry && !slices.Contains(p.vocabulary(), after.key) {
		p.doc.guessed[r.line] = true
	}
}

// add reports a finding as a problem of the document, with its line in the file.
func (p *parser) add(f finding) {
	p.doc.report.add(Problem{
		Line: f.line + p.doc.offset, Column: f.column,
		Message: f.message, Hint: f.hint, Rule: f.rule,
	})
}

// parseOnce parses a text that holds one document. On an error it also returns the last line, counted from 1, that
// the parser had read. The line in the error's own text is often that of an enclosing block.
func parseOnce(text []byte) (root *yaml.Node, last int, err error) {
	reader := &lineReader{rest: text}
	decoder := yaml.NewDecoder(reader)
	var doc, more yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		return nil, reader.lines, err
	}
	// The text holds one document. A second one means that text follows the end of the root value.
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, reader.lines, errors.Join(errSecondRoot, err)
	}
	return doc.Content[0], 0, nil
}

// errSecondRoot is the error for text after the end of the root value.
var errSecondRoot = errors.New("more text after the end of the value")

// lineReader returns one line per read, so that the number of lines tells how far the parser got.
type lineReader struct {
	rest  []byte
	lines int
	// within is set after a read that returned only part of a line.
	within bool
}

// Read returns a line, or as much of it as fits. The YAML library reads more only after it has consumed what it
// has, so the count of lines is the parser's position.
func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	if !r.within {
		r.lines++
	}
	part := r.rest[:min(len(p), len(r.rest))]
	if i := bytes.IndexByte(part, '\n'); i >= 0 {
		part = part[:i+1]
	}
	n := copy(p, part)
	r.rest = r.rest[n:]
	r.within = n > 0 && part[n-1] != '\n'
	return n, nil
}
