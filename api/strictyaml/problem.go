package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
)

// Rules name the kinds of problems, for tests and for callers that tell them apart.
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

// Problem is one thing wrong with a document.
type Problem struct {
	// Line and Column count from 1, columns in characters. The line is that of the whole file.
	Line, Column int
	// Path is the field; empty when the problem is of no field.
	Path    string
	Message string
	// Hint says what to do; empty when the message already does.
	Hint string
	// Rule is one of the Rule constants.
	Rule string
	// Warning is set when the document can be used all the same.
	Warning bool
}

// place is a line and column of the file.
type place struct{ line, column int }

// report collects the problems of one document, the first [Limits.Problems] of them.
type report struct {
	limit   int
	kept    []Problem
	dropped int
	// mild is set while all that was dropped are warnings.
	mild bool
}

// full reports whether a further problem would only be counted, so that it need not be worded.
func (r *report) full() bool { return len(r.kept) >= r.limit }

func (r *report) add(p Problem) {
	if r.full() {
		r.mild = p.Warning && (r.mild || r.dropped == 0)
		r.dropped++
		return
	}
	r.kept = append(r.kept, p)
}

// sorted gives the problems in the order of the file; one more, in the place of the last, counts those
// left out.
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
			Warning: r.mild,
		})
	}
	return all
}
