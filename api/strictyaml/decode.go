package strictyaml

import (
	"errors"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Decode fills the struct that into points to according to its json tags. Problems go to [Document.Problems], and
// the fields they concern keep their zero values. Decode does not check whether required fields are present; that
// is up to the caller. A null stands for an absent field where a list or mapping may be omitted (omitempty,
// omitzero) and is a problem elsewhere.
//
// A text whose field has the tag `strict:"scalar"` may also be written as a bare number, and keeps its digits: 1.30
// becomes "1.30". Types with their own decoding (json.Unmarshaler, encoding.TextUnmarshaler) receive JSON.
//
// The error reports a mistake of the programmer: into is not a pointer to a struct, or contains a type that is not
// supported (interfaces, arrays, functions, maps whose keys are not text).
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

// errUnsupportedType is wrapped by the errors of Decode about the Go type.
var errUnsupportedType = errors.New("unsupported type")

// ignoredField identifies a field for which a warning was given, so that it is given once per document.
type ignoredField struct {
	rule *Rule
	name string
}

// decoder fills one value from one document.
type decoder struct {
	doc   *Document
	types structures
	// root is the type of the whole document. Hints search it for the place where a field belongs.
	root reflect.Type
	// path leads to the value that is being decoded.
	path []step
	// at holds the node of each step of path: the key of an entry, or the item.
	at      []*yaml.Node
	ignored map[ignoredField]bool
	// misuse is the error that Decode returns.
	misuse error
}

// value decodes n into v, which is the value of field f or nested in it.
func (d *decoder) value(n *yaml.Node, v reflect.Value, f field, rules *Fields) {
	n = target(n)
	if d.doc.skipped[n] {
		return
	}
	if isNull(n) {
		d.null(n, v, f)
		return
	}
	if hasUnmarshaler(v.Type()) {
		d.unmarshal(n, v)
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

// null decodes a null. An optional list or mapping may be null, as in "labels:" with all labels commented out.
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

// entry is a value of a mapping that is decoded into a struct, and the fields of that struct.
type entry struct {
	known *structure
	value *yaml.Node
}

// field decodes, ignores or refuses one field. Rules precede the fields of the Go type, so that they can exclude
// fields of types that are not ours, such as metav1.ObjectMeta. Rules with stars come after them.
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

// dispose reports a field that is ignored or refused by a rule.
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

// unknown reports a field that neither the type nor the rules define. It skips the search for similar names, which
// is expensive, when the report is full.
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

// mapping fills a map. Its keys are arbitrary text.
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

// list fills a slice. Items are never optional: a null item is a problem even where the list itself may be omitted.
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

// enter and leave track the current path, for problems to name.
func (d *decoder) enter(s step, at *yaml.Node) {
	d.path = append(d.path, s)
	d.at = append(d.at, at)
}

func (d *decoder) leave() {
	d.path = d.path[:len(d.path)-1]
	d.at = d.at[:len(d.at)-1]
}

// add reports an error at the current path.
func (d *decoder) add(rule, message, hint string) {
	d.addProblem(Problem{Rule: rule, Message: message, Hint: hint})
}

// addProblem reports a problem at the current path and at the position of its key or item. It computes both only
// while the report keeps problems.
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
