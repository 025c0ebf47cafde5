package api

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api/strictyaml"
	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// Resolve parses every address of the manifests, fills in defaults and applies every rule; see
// [Rules]. The problems are sorted and never end at the first one: what could not be parsed is
// reported once, and rules pass over it. Of one rule no more than 101 problems are given; the last one
// says how many are left out.
//
// The Config is nil when a problem is an error, when [Parse] found an error in one of the documents,
// or when the manifests are incomplete. What Parse found is not repeated.
func Resolve(m *Manifests) (*Config, Problems) {
	c := newChecker(m)
	for _, r := range rules() {
		c.rule = r.Name
		before := len(c.problems)
		r.check(c)
		c.shorten(before)
	}
	c.problems.Sort()
	if m.Incomplete || c.problems.HasErrors() || slices.ContainsFunc(c.documents(), c.isBroken) {
		return nil, c.problems
	}
	return c.config, c.problems
}

// placed is a parsed value and the field it was read from.
type placed[T any] struct {
	value T
	ref   Ref
}

// unparsed is a text that is not what its field holds.
type unparsed struct {
	ref  Ref
	text string
	err  *fault
}

// checker is what rules read and where they report. The Config is complete except for what could
// not be parsed, which has its zero value there.
type checker struct {
	manifests *Manifests
	// cluster is the first Cluster; nil when there is none.
	cluster *Object[v1.Cluster]
	// options is the first ProvisionOptions; nil when there is none.
	options *Object[ProvisionOptions]
	config  *Config

	// unparsed is kept by the rule that reports it.
	unparsed map[string][]unparsed
	// The next four repeat what is in the Config with its places; pods also holds what does not
	// belong there.
	services      []placed[netip.Prefix]
	pods          []placed[netip.Prefix]
	addressRanges []placed[netipx.IPRange]
	nodeIPv6      []placed[netip.Addr]
	spaces        spaces
	// decoded is what the decoder found in each document, for [checker.unreported].
	decoded map[*Document][]strictyaml.Problem

	// rule is the name of the running rule.
	rule     string
	problems Problems
}

// errorf reports something that stops the run.
func (c *checker) errorf(at Ref, hint, format string, args ...any) {
	c.report(SeverityError, at, hint, fmt.Sprintf(format, args...))
}

// warnf reports something that the author should know and may want.
func (c *checker) warnf(at Ref, hint, format string, args ...any) {
	c.report(SeverityWarning, at, hint, fmt.Sprintf(format, args...))
}

func (c *checker) report(severity Severity, at Ref, hint, message string) {
	p := at.Problem(severity, c.rule, message, hint)
	if at.Doc == nil {
		p.File = c.anyFile()
	}
	c.problems = append(c.problems, p)
}

// newFormRule is a rule about the form of a field. The hint is for mistakes that have none of their
// own.
func newFormRule(name, source, summary, hint string) rule {
	return newRule(name, source, summary, func(c *checker) {
		for _, u := range c.unparsed[name] {
			c.errorf(u.ref, cmp.Or(u.err.hint, hint), "%s %s", echo(u.text), u.err.reason)
		}
	})
}

// maxPerRule is how many problems of one rule are listed; a mistake in a template can make as many
// as there are nodes.
const maxPerRule = 100

// shorten replaces all but the first problems of the running rule, which begin at index first, by
// one that counts them.
func (c *checker) shorten(first int) {
	rest := c.problems[min(first+maxPerRule, len(c.problems)):]
	if len(rest) < 2 {
		return
	}
	last := rest[0]
	last.Message = fmt.Sprintf("%s; %d more problems of this kind are not listed", last.Message, len(rest)-1)
	if rest.HasErrors() {
		last.Severity = SeverityError
	}
	c.problems = append(c.problems[:first+maxPerRule], last)
}

// anyFile is the file to name when something is missing from all of them.
func (c *checker) anyFile() string {
	for _, d := range c.documents() {
		return d.File
	}
	return ""
}

func objectName(d *Document) string {
	if d.Name == "" || d.Kind == "" {
		return d.Kind + d.Name
	}
	return d.Kind + "/" + d.Name
}

// place names a field in the message of a problem that stands at another one.
func (c *checker) place(at, from Ref) string {
	line, _ := at.Doc.Position(at.Path)
	where := c.position(at.Doc, line, from)
	field := at.Path
	if at.Doc != from.Doc {
		field = strings.TrimSpace(objectName(at.Doc) + " " + at.Path)
	}
	return field + ", " + where
}

// position is a line of a document, with its file where that is another one than from's.
func (c *checker) position(doc *Document, line int, from Ref) string {
	if from.Doc != nil && from.Doc.File == doc.File {
		return fmt.Sprintf("line %d", line)
	}
	return fmt.Sprintf("%s:%d", doc.File, line)
}

// field is the place of a member of what ref points at.
func (ref Ref) field(name string) Ref { return Ref{Doc: ref.Doc, Path: ref.Path + "." + name} }

// key is the place of an entry of the map that ref points at.
func (ref Ref) key(k string) Ref { return Ref{Doc: ref.Doc, Path: strictyaml.AppendKey(ref.Path, k)} }

// item is the place of an element of the list that ref points at.
func (ref Ref) item(i int) Ref { return Ref{Doc: ref.Doc, Path: strictyaml.AppendIndex(ref.Path, i)} }
