package strictyaml

import (
	"errors"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Decode fills the struct that into points to by its json tags. Problems go to
// [Document.Problems]; what they concern keeps its zero value. Whether a field that is absent is
// needed is for the caller to judge. A null stands for an absent field where a list or mapping may
// be left out (omitempty, omitzero) and is a problem elsewhere.
//
// A text whose field has the tag `strict:"scalar"` may also be written as a bare number, and keeps
// its digits: 1.30 is "1.30". Types that decode themselves (json.Unmarshaler,
// encoding.TextUnmarshaler) are given JSON.
//
// The error is for programmers: into is no pointer to a struct, or has a type that is not supported
// (interfaces, arrays, functions, maps whose keys are not text).
func (d *Document) Decode(into any, fields *Fields) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("cannot decode into %T: not a pointer to a struct", into)
	}
	if d.root == nil {
		return nil
	}
	dec := &decoder{doc: d, types: d.types, ignored: map[ignoredField]bool{}, root: v.Elem().Type()}
	dec.value(d.root, v.Elem(), field{}, fields)
	return dec.misuse
}

var errUnsupportedType = errors.New("unsupported type")

// ignoredField is a field that a warning was given for.
type ignoredField struct {
	rule *Rule
	name string
}

type decoder struct {
	doc   *Document
	types structures
	// root is the type of the whole document, for hints on where a field belongs.
	root reflect.Type
	path []step
	// at holds the key or item of each step of path.
	at      []*yaml.Node
	ignored map[ignoredField]bool
	misuse  error
}

// value decodes n into v, which is the value of field f or of something inside it.
func (d *decoder) value(n *yaml.Node, v reflect.Value, f field, rules *Fields) {
	n = target(n)
	if d.doc.skipped[n] {
		return
	}
	if isNull(n) {
		d.null(n, v, f)
		return
	}
	if decodesItself(v.Type()) {
		d.itself(n, v)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), f, rules)
	case reflect.Struct:
		d.structure(n, v, rules)
	case reflect.Map:
		d.mapping(n, v, rules)
	case reflect.Slice:
		d.list(n, v, f, rules)
	default:
		d.scalar(n, v, f)
	}
}

// null is nothing where something may be, as in "labels:" with all labels commented out.
func (d *decoder) null(n *yaml.Node, v reflect.Value, f field) {
	expected := expectation(v.Type())
	collection := expected == "a list" || expected == "a mapping"
	if f.optional && collection {
		d.doc.allowNull(n)
		return
	}
	hint := ""
	if expected == "text" {
		hint = `write "" if it is meant to be empty`
	}
	if n.Value == "" {
		d.add(RuleType, "nothing is given, expected "+expected, hint)
		return
	}
	d.add(RuleType, "expected "+expected+", got null", hint)
}

// structure fills the fields of a struct in the order of the text.
func (d *decoder) structure(n *yaml.Node, v reflect.Value, rules *Fields) {
	if n.Kind != yaml.MappingNode {
		d.mismatch(n, v.Type())
		return
	}
	known := d.types.of(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if d.doc.skipped[key] {
			continue
		}
		name := target(key).Value
		d.enter(d.doc.shownKey(n, i), key)
		d.field(entry{known, value}, v, name, rules)
		d.leave()
	}
}

// entry is an entry of a mapping that is decoded into a struct.
type entry struct {
	known *structure
	value *yaml.Node
}

// field decides what becomes of a field: rules come before the Go type, so that they can leave out
// fields of types that are not ours; rules with stars come after it.
func (d *decoder) field(e entry, v reflect.Value, name string, rules *Fields) {
	if rule := rules.child(name).disposition(); rule != nil {
		d.dispose(rule, name)
		return
	}
	if f, ok := e.known.fields[name]; ok {
		d.value(e.value, v.FieldByIndex(f.index), f, rules.child(name))
		return
	}
	if rule := rules.star(name); rule != nil {
		d.dispose(rule, name)
		return
	}
	d.unknown(e, name, rules)
}

// dispose deals with a field that is not decoded by intent.
func (d *decoder) dispose(rule *Rule, name string) {
	if rule.Disposition == Refused {
		d.add(RuleRefusedField, rule.Reason, "")
		return
	}
	seen := ignoredField{rule, name}
	if d.ignored[seen] {
		return
	}
	d.ignored[seen] = true
	d.addProblem(Problem{Rule: RuleIgnoredField, Warning: true, Message: "ignored: " + rule.Reason})
}

// unknown reports a field that neither the type nor the rules have. The search for what was meant is
// the costly part, and left out when the report is full.
func (d *decoder) unknown(e entry, name string, rules *Fields) {
	if d.doc.report.full() {
		d.doc.report.add(Problem{})
		return
	}
	message := "unknown field"
	if shown := d.path[len(d.path)-1].key; isShowable(shown) {
		message = fmt.Sprintf("unknown field %q", shown)
	}
	d.add(RuleUnknownField, message, d.suggest(e.known, name, rules))
}

// mapping fills a map, whose keys are text of any kind.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, rules *Fields) {
	t := v.Type()
	if t.Key().Kind() != reflect.String {
		d.misuse = fmt.Errorf("cannot decode a mapping into %s: %w", t, errUnsupportedType)
		return
	}
	if n.Kind != yaml.MappingNode {
		d.mismatch(n, t)
		return
	}
	result := reflect.MakeMapWithSize(t, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if d.doc.skipped[key] {
			continue
		}
		name := target(key).Value
		item := reflect.New(t.Elem()).Elem()
		d.enter(d.doc.shownKey(n, i), key)
		d.value(n.Content[i+1], item, field{}, rules.child(name))
		d.leave()
		result.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), item)
	}
	v.Set(result)
}

// list fills a slice. Its items are never optional: a null among them is a problem, even where the
// list itself may be left out.
func (d *decoder) list(n *yaml.Node, v reflect.Value, f field, rules *Fields) {
	if n.Kind != yaml.SequenceNode {
		d.mismatch(n, v.Type())
		return
	}
	f.optional = false
	result := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.enter(step{index: i, isIndex: true}, item)
		d.value(item, result.Index(i), f, rules.child("[]"))
		d.leave()
	}
	v.Set(result)
}

// enter and leave keep account of where the decoder is, for problems to say.
func (d *decoder) enter(s step, at *yaml.Node) {
	d.path = append(d.path, s)
	d.at = append(d.at, at)
}

func (d *decoder) leave() {
	d.path = d.path[:len(d.path)-1]
	d.at = d.at[:len(d.at)-1]
}

func (d *decoder) add(rule, message, hint string) {
	d.addProblem(Problem{Rule: rule, Message: message, Hint: hint})
}

// addProblem adds the place and the path of what is being decoded: that of the key, or of the item.
func (d *decoder) addProblem(p Problem) {
	if !d.doc.report.full() {
		at := d.doc.root
		if len(d.at) > 0 {
			at = d.at[len(d.at)-1]
		}
		where := d.doc.place(at)
		p.Line, p.Column, p.Path = where.line, where.column, formatPath(d.path)
	}
	d.doc.report.add(p)
}
