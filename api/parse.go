package api

import (
	"fmt"
	"slices"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// maxProblems is the maximum number of problems per source.
const maxProblems = 1000

// Parse strictly decodes manifests. Every source is a stream of YAML documents: optionally bmctl's header, which
// has neither apiVersion nor kind and comes first, and objects in any order. Documents without content are skipped.
//
// The manifests hold every object that could be read, including those with errors; a field with an error keeps its
// zero value. Problems are in the order of the sources and of their lines. At most 100 per document and 1000 per
// source are returned, and one more that counts the rest. No problem repeats a value. Exceeding [DefaultLimits] is
// a problem, too.
func Parse(sources []Source) (*Manifests, Problems) { return ParseWithin(sources, DefaultLimits()) }

// ParseWithin is Parse with other limits.
func ParseWithin(sources []Source, limits Limits) (*Manifests, Problems) {
	p := &parser{manifests: &Manifests{}, kinds: kinds(), limits: limits}
	for _, s := range sources {
		if p.admit(s) {
			p.source(s)
		}
	}
	p.countNodes()
	return p.manifests, p.problems
}

// parser collects the objects and problems of the sources.
type parser struct {
	manifests *Manifests
	problems  Problems
	kinds     []kind
	limits    Limits
	// bytes is the total size of the sources so far.
	bytes int
	// tooManyNodes is set once there are too many nodes, which is reported only once.
	tooManyNodes bool
	// vocabulary caches the result of words.
	vocabulary []string
}

// source decodes one file. Its documents are independent: an error in one does not prevent the others from being
// read.
func (p *parser) source(s Source) {
	docs, problems := strictyaml.Parse(s.Data, strictyaml.Options{
		Words: p.words, Limits: strictyaml.Limits{Bytes: p.limits.Bytes, Scalar: maxScalar},
	})
	if len(problems) > 0 {
		p.manifests.Incomplete = true
	}
	found := convert(&Document{File: s.Name}, problems)
	for i, d := range docs {
		doc := &Document{File: s.Name, Line: d.Line, yaml: d}
		whole := p.document(doc, i == 0)
		found = append(found, convert(doc, d.Problems())...)
		found = append(found, whole...)
	}
	found.Sort()
	p.problems = append(p.problems, limited(found)...)
}

// limited keeps the first problems of a source and counts the rest in one more. That one is an error if any of the
// rest is.
func limited(problems Problems) Problems {
	if len(problems) <= maxProblems {
		return problems
	}
	kept, rest := problems[:maxProblems:maxProblems], problems[maxProblems:]
	more := Problem{
		Severity: SeverityWarning, File: rest[0].File, Line: rest[0].Line, Column: rest[0].Column, Rule: strictyaml.RuleMore,
		Message: fmt.Sprintf("%d more problems from here on are not shown", len(rest)), Hint: "mend those above and check again",
	}
	if rest.HasErrors() {
		more.Severity = SeverityError
	}
	return append(kept, more)
}

// document decodes one document and returns its problems as a whole. Problems of single fields stay with the
// decoder; see source.
func (p *parser) document(doc *Document, first bool) Problems {
	if !doc.yaml.Readable() {
		p.manifests.Incomplete = true
		return nil
	}
	if !doc.yaml.IsMapping() {
		_, problems := p.unrecognized(doc, "", "this document is not an object", "an object begins with apiVersion: and kind:")
		return problems
	}
	doc.identify()
	k, problems := p.recognize(doc, first)
	if k == nil {
		return problems
	}
	if err := k.decode(p.manifests, doc, strictyaml.NewFields(k.fields()...)); err != nil {
		problems = append(problems, doc.problem("", fmt.Sprintf("cannot decode %s: %v", k.name, err), ""))
	}
	return problems
}

// convert converts problems of the decoder.
func convert(doc *Document, problems []strictyaml.Problem) Problems {
	var converted Problems
	for _, y := range problems {
		severity := SeverityError
		if y.Warning {
			severity = SeverityWarning
		}
		converted = append(converted, Problem{
			Severity: severity, File: doc.File, Line: y.Line, Column: y.Column, Object: objectName(doc),
			Path: y.Path, Message: y.Message, Hint: y.Hint, Rule: y.Rule,
		})
	}
	return converted
}

// words returns the names of all fields. Messages about syntax errors may name these words, because they cannot be
// secrets.
func (p *parser) words() []string {
	if p.vocabulary != nil {
		return p.vocabulary
	}
	var words []string
	for _, k := range p.kinds {
		words = append(words, strictyaml.FieldNames(k.example)...)
		for _, f := range k.fields() {
			words = append(words, f.Name())
		}
	}
	slices.Sort(words)
	p.vocabulary = slices.Compact(words)
	return p.vocabulary
}
