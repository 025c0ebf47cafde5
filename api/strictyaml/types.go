package strictyaml

import (
	"encoding"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// field is a field of a struct as its json tag describes it.
type field struct {
	name  string
	index []int
	typ   reflect.Type
	// optional is set for omitempty and omitzero.
	optional bool
	// scalar is set by the tag `strict:"scalar"`: a text that may also be written as a bare number.
	scalar bool
}

// structure is what a struct decodes from.
type structure struct {
	fields map[string]field
	// names are sorted.
	names []string
}

// structures remembers what it has learnt of each type.
type structures map[reflect.Type]*structure

// of learns a struct when it is asked for the first time.
func (s structures) of(t reflect.Type) *structure {
	if known, ok := s[t]; ok {
		return known
	}
	fields := map[string]field{}
	addFields(fields, t, nil)
	known := &structure{fields: fields, names: slices.Sorted(maps.Keys(fields))}
	s[t] = known
	return known
}

// addFields takes up the fields of a struct as encoding/json does, but with their exact case.
func addFields(into map[string]field, t reflect.Type, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		at := append(slices.Clone(index), i)
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			addFields(into, f.Type, at)
		case !f.IsExported() || name == "-":
		default:
			if name == "" {
				name = f.Name
			}
			into[name] = field{
				name: name, index: at, typ: f.Type,
				optional: strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero"),
				scalar:   f.Tag.Get("strict") == "scalar",
			}
		}
	}
}

// FieldNames gives the names of all fields of a struct and of the structs that it holds, sorted.
func FieldNames(example any) []string {
	known := structures{}
	known.collect(reflect.TypeOf(example))
	names := map[string]bool{}
	for _, s := range known {
		for _, name := range s.names {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// collect learns a type and all that it holds.
func (s structures) collect(t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || decodesItself(t) || s[t] != nil {
		return
	}
	for _, f := range s.of(t).fields {
		s.collect(f.typ)
	}
}

// decodesItself reports whether a type says itself what it looks like, as metav1.Time does.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// expectation says what a value of type t looks like.
func expectation(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return expectation(t.Elem())
	case reflect.Struct, reflect.Map:
		return "a mapping"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "text"
	default:
		return "a whole number"
	}
}
