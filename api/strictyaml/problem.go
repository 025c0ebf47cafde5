package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
)

// The rules name the kinds of problems, for tests and for callers that distinguish them.
const (
	RuleEncoding     = "yaml-encoding"
	RuleLimit        = "yaml-limit"
	RuleSyntax       = "yaml-syntax"
	RulePlaceholder  = "yaml-placeholder"
	RuleDuplicateKey = "yaml-duplicate-key"
	RuleKey          = "yaml-key"
	RuleTag          = "yaml-tag"
	RuleAlias        = "yaml-alias"
	RuleUnknownField = "unknown-field"
	RuleIgnoredField = "ignored-field"
	RuleRefusedField = "unsupported-field"
	RuleType         = "wrong-type"
	RuleMore         = "more-problems"
)

// Problem describes one thing wrong with a document.
type Problem struct {
	// Line and Column count from 1, columns in characters. Line refers to the whole file.
	Line, Column int
	// Path is the field; empty when the problem concerns no single field.
	Path    string
	Message string
	// Hint tells what to do; empty when the message already does.
	Hint string
	// Rule is one of the Rule constants.
	Rule string
	// Warning is set when the document can be used nevertheless.
	Warning bool
}

// place is a line and column in the file.
type place struct{ line, column int }

// report collects the problems of one document, up to its limit.
type report struct {
	limit int
	kept  []Problem
	// dropped counts the problems past the limit.
	dropped int
	// onlyWarnings is set while all dropped problems are warnings.
	onlyWarnings bool
}

// full reports whether further problems are only counted, so that callers need not compute their text.
func (r *report) full() bool { return len(r.kept) >= r.limit }

// add keeps a problem, or counts it once the report is full.
func (r *report) add(p Problem) {
	if r.full() {
		r.onlyWarnings = p.Warning && (r.onlyWarnings || r.dropped == 0)
		r.dropped++
		return
	}
	r.kept = append(r.kept, p)
}

// sorted returns the problems in the order of the file. When problems were dropped, one more at the position of the
// last counts them.
func (r *report) sorted() []Problem {
	all := slices.Clone(r.kept)
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if r.dropped > 0 {
		end := all[len(all)-1]
		all = append(all, Problem{
			Line: end.Line, Column: end.Column, Rule: RuleMore,
			Message: fmt.Sprintf("%d more problems in this document are not shown", r.dropped),
			Hint:    "mend those above and check again",
			Warning: r.onlyWarnings,
		})
	}
	return all
}
