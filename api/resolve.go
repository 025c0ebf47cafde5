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

// Resolve parses every address of the manifests, fills in defaults and applies every rule; see [Rules]. It returns
// all problems, sorted: a value that cannot be parsed is reported once, and other rules skip it. At most 101
// problems of one rule are returned, of which the last one counts the rest.
//
// The Config is nil when a problem is an error, when [Parse] found an error in one of the documents, or when the
// manifests are incomplete. Problems of Parse are not repeated.
func Resolve(m *Manifests) (*Config, Problems) {
	c := newChecker(m)
	for _, r := range rules() {
		c.rule = r.Name
		// Each rule adds to the same list, so its own problems begin here.
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

// placed is a parsed value and the field that it was read from.
type placed[T any] struct {
	value T
	ref   Ref
}

// unparsed is a text that does not have the form of its field.
type unparsed struct {
	ref  Ref
	text string
	err  *fault
}

// checker holds the input and the results of the rules. The Config is complete except for values that could not be
// parsed, which are zero.
type checker struct {
	manifests *Manifests
	// cluster is the first Cluster; nil when it is missing.
	cluster *Object[v1.Cluster]
	// options is the first ProvisionOptions; nil when it is missing.
	options *Object[ProvisionOptions]
	config  *Config

	// unparsed holds, by the name of a form rule, the texts that this rule reports.
	unparsed map[string][]unparsed
	// services, pods, addressRanges and nodeIPv6 repeat values of the Config together with their positions. pods
	// also holds IPv6 ranges, which do not belong there and which a rule reports.
	services      []placed[netip.Prefix]
	pods          []placed[netip.Prefix]
	addressRanges []placed[netipx.IPRange]
	nodeIPv6      []placed[netip.Addr]
	// spaces holds all addresses for the rules about overlaps.
	spaces spaces
	// decoded caches the errors of the decoder in each document; see decoderErrors.
	decoded map[*Document][]strictyaml.Problem

	// rule is the name of the rule that is running.
	rule     string
	problems Problems
}

// errorf reports an error, which stops the run.
func (c *checker) errorf(at Ref, hint, format string, args ...any) {
	c.report(SeverityError, at, hint, fmt.Sprintf(format, args...))
}

// warnf reports a warning about something that the author may have intended.
func (c *checker) warnf(at Ref, hint, format string, args ...any) {
	c.report(SeverityWarning, at, hint, fmt.Sprintf(format, args...))
}

// report adds a problem of the running rule. A problem without a document, such as a missing object, names the
// first file.
func (c *checker) report(severity Severity, at Ref, hint, message string) {
	p := at.Problem(severity, c.rule, message, hint)
	if at.Doc == nil {
		p.File = c.anyFile()
	}
	c.problems = append(c.problems, p)
}

// newFormRule returns a rule about the form of a field. It reports the texts that newChecker kept under its name.
// The hint applies to mistakes that have none of their own.
func newFormRule(name, source, summary, hint string) rule {
	return newRule(name, source, summary, func(c *checker) {
		for _, u := range c.unparsed[name] {
			c.errorf(u.ref, cmp.Or(u.err.hint, hint), "%s %s", echo(u.text), u.err.reason)
		}
	})
}

// maxPerRule is the maximum number of problems per rule. One mistake in a template can cause as many problems as
// there are nodes.
const maxPerRule = 100

// shorten replaces the problems of the running rule past maxPerRule by one that counts them. first is the index of
// the rule's first problem.
func (c *checker) shorten(first int) {
	rest := c.problems[min(first+maxPerRule, len(c.problems)):]
	// Replacing a single problem would save nothing.
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

// anyFile returns the file to name when something is missing from all files.
func (c *checker) anyFile() string {
	for _, d := range c.documents() {
		return d.File
	}
	return ""
}

// objectName returns Kind/name of a document, or as much of it as is known.
func objectName(d *Document) string {
	if d.Name == "" || d.Kind == "" {
		return d.Kind + d.Name
	}
	return d.Kind + "/" + d.Name
}

// place describes the position of a field in the message of a problem at another field.
func (c *checker) place(at, from Ref) string {
	line, _ := at.Doc.Position(at.Path)
	where := c.position(at.Doc, line, from)
	field := at.Path
	if at.Doc != from.Doc {
		field = strings.TrimSpace(objectName(at.Doc) + " " + at.Path)
	}
	return field + ", " + where
}

// position returns a line of a document, together with the file unless it is that of from.
func (c *checker) position(doc *Document, line int, from Ref) string {
	if from.Doc != nil && from.Doc.File == doc.File {
		return fmt.Sprintf("line %d", line)
	}
	return fmt.Sprintf("%s:%d", doc.File, line)
}

// field returns the position of a member of the object that ref points at.
func (ref Ref) field(name string) Ref { return Ref{Doc: ref.Doc, Path: ref.Path + "." + name} }

// key returns the position of an entry of the map that ref points at.
func (ref Ref) key(k string) Ref { return Ref{Doc: ref.Doc, Path: strictyaml.AppendKey(ref.Path, k)} }

// item returns the position of an element of the list that ref points at.
func (ref Ref) item(i int) Ref { return Ref{Doc: ref.Doc, Path: strictyaml.AppendIndex(ref.Path, i)} }
