package schema

import (
	"fmt"
	"regexp"
	"strings"
)

// node is a JSON Schema, or a part of one.
type node map[string]any

// child returns the schema under a keyword, or nil if the keyword is missing. A nil node has no children, so calls can
// be chained.
func (n node) child(keyword string) node {
	switch child := n[keyword].(type) {
	case node:
		return child
	case map[string]any:
		return child
	}
	return nil
}

// properties returns the schema's fields, and adds the keyword if it is missing.
func (n node) properties() node {
	if n.child("properties") == nil {
		n["properties"] = map[string]any{}
	}
	return n.child("properties")
}

// required returns the names of the required fields.
func (n node) required() []any {
	required, _ := n["required"].([]any)
	return required
}

// tidy removes keywords that OpenAPI has and JSON Schema does not, and closes objects: an API server drops unknown
// fields, but an author wants to be warned about them.
func (n node) tidy() {
	for keyword := range n {
		if strings.HasPrefix(keyword, "x-kubernetes-") {
			delete(n, keyword)
		}
	}
	// int32 and int64 are formats of OpenAPI only.
	if format, _ := n["format"].(string); strings.HasPrefix(format, "int") {
		delete(n, "format")
	}
	fields := n.child("properties")
	for name := range fields {
		fields.child(name).tidy()
	}
	// Objects without listed fields, such as maps of labels, stay open.
	if fields != nil {
		n["additionalProperties"] = false
	} else if values := n.child("additionalProperties"); values != nil {
		values.tidy()
	}
	if items := n.child("items"); items != nil {
		items.tidy()
	}
}

// field returns the schema of a field by its dotted path.
func (n node) field(path string) (node, error) {
	for name := range strings.SplitSeq(path, ".") {
		if n = n.child("properties").child(name); n == nil {
			return nil, fmt.Errorf("the schema has no %s of %s", name, path)
		}
	}
	return n, nil
}

// allowNumber allows a string field to be a bare number as well.
func (n node) allowNumber(path string) error {
	field, err := n.field(path)
	if err != nil {
		return err
	}
	// dualstrap reads both alike, so an editor must not complain about 1.36 without quotes.
	field["type"] = []string{"string", "number"}
	return nil
}

// allow allows a field to hold any value. A name that begins with * stands for all names that end in the rest.
func (n node) allow(path, description string) error {
	parent, name := n, path
	if at := strings.LastIndex(path, "."); at >= 0 {
		var err error
		if parent, err = n.field(path[:at]); err != nil {
			return err
		}
		name = path[at+1:]
	}
	schema := map[string]any{"description": description}
	suffix, isPattern := strings.CutPrefix(name, "*")
	if !isPattern {
		parent.properties()[name] = schema
		return nil
	}
	if parent.child("patternProperties") == nil {
		parent["patternProperties"] = map[string]any{}
	}
	parent.child("patternProperties")[regexp.QuoteMeta(suffix)+"$"] = schema
	return nil
}
