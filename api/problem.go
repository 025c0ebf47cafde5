package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity tells whether a Problem stops the run.
type Severity string

// The severities of a Problem.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Problem describes one thing wrong with the manifests, and its position. Its JSON form is a contract with users:
// `check config -o json` prints it.
type Problem struct {
	Severity Severity `json:"severity"`
	// File is the path as given on the command line; "-" for standard input.
	File string `json:"file"`
	// Line and Column count from 1; both are 0 when the problem has no single position.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Object is Kind/name, as far as known.
	Object string `json:"object"`
	// Path is the field, as in spec.nodes[0].address; empty for the whole object.
	Path    string `json:"path"`
	Message string `json:"message"`
	// Hint tells what to do; empty when the message already does.
	Hint string `json:"hint"`

	// Rule is the name of the rule that found the problem, for tests and documentation.
	Rule string `json:"-"`
}

// String returns the problem in one line without the hint, in the format of compilers.
func (p Problem) String() string {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	subject := strings.TrimSpace(p.Object + " " + p.Path)
	parts := []string{place, string(p.Severity), subject, p.Message}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}

// Problems is a list of problems with the manifests.
type Problems []Problem

// HasErrors reports whether any problem stops the run.
func (ps Problems) HasErrors() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Severity == SeverityError })
}

// Counts returns the numbers of errors and of warnings.
func (ps Problems) Counts() (errors, warnings int) {
	for _, p := range ps {
		if p.Severity == SeverityError {
			errors++
		}
	}
	return errors, len(ps) - errors
}

// Sort sorts problems by file, line and column. Problems at the same position keep their order.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
