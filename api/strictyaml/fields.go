package strictyaml

import (
	"path"
	"strings"
)

// Disposition is what becomes of a field that the Go type is not asked about.
type Disposition int

// The dispositions of a field.
const (
	// Ignored fields are passed over; a warning says so once per document.
	Ignored Disposition = iota + 1
	// Refused fields are errors.
	Refused
)

// Rule is the disposition of one field. It comes before the Go type's own fields, unless its name
// has a star.
type Rule struct {
	// Path is the field, with [] for every item of a list: spec.nodes[].uuid. The last name may have
	// stars, which stand for any characters.
	Path        string
	Disposition Disposition
	// Reason says why, for the person who wrote the field.
	Reason string
}

// Name is the last name of the path.
func (r Rule) Name() string { return r.Path[strings.LastIndexAny(r.Path, ".]")+1:] }

// Fields are the rules for the fields of one type.
type Fields struct {
	below map[string]*Fields
	stars []*Fields
	// name and rule are of a field that has a disposition.
	name string
	rule *Rule
}

// NewFields collects rules.
func NewFields(rules ...Rule) *Fields {
	root := &Fields{}
	for _, r := range rules {
		at := root
		for _, name := range strings.Split(strings.ReplaceAll(r.Path, "[]", ".[]"), ".") {
			at = at.grow(name)
		}
		at.rule = &r
	}
	return root
}

// grow gives the rules for a field and below, and makes room for them.
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

// child gives the rules for a field and below. A nil *Fields has no rules.
func (f *Fields) child(name string) *Fields {
	if f == nil {
		return nil
	}
	return f.below[name]
}

// disposition gives the rule of the field itself.
func (f *Fields) disposition() *Rule {
	if f == nil {
		return nil
	}
	return f.rule
}

// star gives the rule of the first name with stars that fits.
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
