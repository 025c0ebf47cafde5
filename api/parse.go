package api

import (
	"fmt"
	"slices"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// maxProblems is how many problems of one source are given.
const maxProblems = 1000

// Parse decodes manifests strictly. Every source is a stream of YAML documents: bmctl's header, which
// has neither apiVersion nor kind and comes first, and objects in any order. Documents that hold
// nothing are passed over.
//
// The manifests hold every object that could be read, also those that have errors: what is wrong
// keeps its zero value. Problems come in the order of the sources and of their lines. Of one document
// no more than 100 are given, of one source no more than 1000; one more says how many are left out. No
// problem repeats a value. What is past [DefaultLimits] is a problem, too.
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

// parser collects what the sources hold.
type parser struct {
	manifests *Manifests
	problems  Problems
	kinds     []kind
	limits    Limits
	// bytes is how much the sources until now have, and crowded that there are too many nodes.
	bytes   int
	crowded bool
	// vocabulary is what words gives.
	vocabulary []string
}

// source decodes one file. Its documents do not hinder each other: what one lacks, others may have.
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

// limited keeps the first problems of a source and counts the others.
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

// document decodes one document and gives what is wrong with it as a whole.
func (p *parser) document(doc *Document, first bool) Problems {
	if !doc.yaml.Readable() {
		p.manifests.Incomplete = true
		return nil
	}
	if !doc.yaml.IsMapping() {
		_, problems := p.unrecognized(doc, "", "this document is no object", "an object begins with apiVersion: and kind:")
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

// convert takes over problems of the decoder.
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

// words are the names of all fields, which may be named when they are part of a syntax error.
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
