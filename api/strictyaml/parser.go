package strictyaml

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
)

const (
	// maxRepairs is how many syntax errors of one document are repaired at most.
	maxRepairs = 20
	// repairBytes is how many bytes may be parsed anew for the sake of repairs.
	repairBytes = 16 << 20
)

// parser parses one document, over and over while it finds syntax errors that it can repair.
type parser struct {
	doc   *Document
	lines *lines
	// words gives names, when there is need of them.
	words func() []string
	names []string
}

func newParser(text []byte, doc *Document, words func() []string) *parser {
	return &parser{doc: doc, lines: newLines(text), words: words}
}

// parse gives the document's root, or nil when it cannot be parsed.
func (p *parser) parse() *yaml.Node {
	if p.hasDirective() {
		return nil
	}
	p.blankMarkers()
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

// repair replaces a line and keeps track of where its text was before, and of words that may be no
// keys.
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

func (p *parser) add(f finding) {
	p.doc.report.add(Problem{
		Line: f.line + p.doc.offset, Column: f.column,
		Message: f.message, Hint: f.hint, Rule: f.rule,
	})
}

// parseOnce parses a text that holds one document. With an error it gives the last line, counted
// from 1, that the parser had seen by then; the line that the error's own text names is often that
// of an enclosing block.
func parseOnce(text []byte) (root *yaml.Node, last int, err error) {
	reader := &lineReader{rest: text}
	decoder := yaml.NewDecoder(reader)
	var doc, more yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		return nil, reader.lines, err
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, reader.lines, errors.Join(errSecondRoot, err)
	}
	return doc.Content[0], 0, nil
}

var errSecondRoot = errors.New("more text after the end of the value")

// lineReader hands out one line at a time, so that it is known how far its reader got.
type lineReader struct {
	rest  []byte
	lines int
	// within is set while a line is handed out in parts.
	within bool
}

// Read gives a line, or as much of it as fits: the YAML library reads on only when it has used up what
// it has, which is what makes the count of lines tell where it is.
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
