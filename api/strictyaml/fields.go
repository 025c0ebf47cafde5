package strictyaml

import (
	"path"
	"strings"
)

// Disposition tells how to treat a field that is not decoded into the Go type.
type Disposition int

// The dispositions of a field.
const (
	// Ignored fields are skipped, with one warning per document.
	Ignored Disposition = iota + 1
	// Refused fields are errors.
	Refused
)

// Rule is the disposition of one field. It takes precedence over the Go type's own fields, unless its name has a
// star.
type Rule struct {
	// Path is the field, with [] for every item of a list: spec.nodes[].uuid. The last name may contain stars,
	// which match any characters.
	Path        string
	Disposition Disposition
	// Reason explains the disposition to the author of the field.
	Reason string
}

// Name returns the last name of the path.
func (r Rule) Name() string { return r.Path[strings.LastIndexAny(r.Path, ".]")+1:] }

// Fields holds the rules for the fields of one type, as a tree of names. A nil *Fields has no rules.
type Fields struct {
	// below holds the rules of the fields one level down, stars those among them whose name has a star.
	below map[string]*Fields
	stars []*Fields
	// name and rule belong to the field itself. rule is nil when only fields below it have dispositions.
	name string
	rule *Rule
}

// NewFields returns the tree of the rules.
func NewFields(rules ...Rule) *Fields {
	root := &Fields{}
	for _, r := range rules {
		at := root
		// "[]" is a step of its own: the items of the list.
		for _, name := range strings.Split(strings.ReplaceAll(r.Path, "[]", ".[]"), ".") {
			at = at.grow(name)
		}
		at.rule = &r
	}
	return root
}

// grow returns the node for a field. It adds the node if it does not exist.
func (f *Fields) grow(name string) *Fields {
	if next := f.below[name]; next != nil {
		return next
	}
	next := &Fields{name: name}
	if f.below == nil {
		f.below = map[string]*Fields{}
	}
	f.below[name] = next
	if strings.Contains(name, "*") {
		f.stars = append(f.stars, next)
	}
	return next
}

// child returns the rules for a field and below.
func (f *Fields) child(name string) *Fields {
	if f == nil {
		return nil
	}
	return f.below[name]
}

// disposition returns the rule of the field itself, or nil.
func (f *Fields) disposition() *Rule {
	if f == nil {
		return nil
	}
	return f.rule
}

// star returns the rule of the first name with stars that matches, or nil.
func (f *Fields) star(name string) *Rule {
	if f == nil {
		return nil
	}
	for _, s := range f.stars {
		if ok, err := path.Match(s.name, name); ok && err == nil {
			return s.rule
		}
	}
	return nil
}
