package strictyaml

import (
	"encoding"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// field describes a field of a struct according to its tags.
type field struct {
	// name is the json name, with its exact case; index is the path for reflect.Value.FieldByIndex.
	name  string
	index []int
	typ   reflect.Type
	// optional is set for omitempty and omitzero.
	optional bool
	// scalar is set by the tag `strict:"scalar"`, for a text that may also be written as a bare number.
	scalar bool
}

// structure describes the mapping that a struct is decoded from.
type structure struct {
	fields map[string]field
	// names are sorted.
	names []string
}

// structures caches the structure of each struct type.
type structures map[reflect.Type]*structure

// of returns the structure of a struct type, which it builds on first use.
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

// addFields collects the fields of a struct as encoding/json does, embedded structs included, but matches names by
// their exact case.
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

// FieldNames returns the sorted names of all fields of a struct and of the structs nested in it.
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

// collect builds the structures of a type and of all types nested in it.
func (s structures) collect(t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || hasUnmarshaler(t) || s[t] != nil {
		return
	}
	for _, f := range s.of(t).fields {
		s.collect(f.typ)
	}
}

// hasUnmarshaler reports whether a type defines its own text form, as metav1.Time does.
func hasUnmarshaler(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// expectation describes the expected form of a value of type t, for messages.
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
