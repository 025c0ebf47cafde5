package kube

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Verb names what applying does to an object. It is empty for an object that stays as it is.
type Verb string

// The values of a Verb.
const (
	Create Verb = "create"
	Update Verb = "update"
)

// fieldsShown bounds the fields that a summary names, so that it fits on a line.
const fieldsShown = 3

// Difference describes what applying an object would change. The zero Difference means that nothing changes.
type Difference struct {
	// Verb is empty if nothing changes.
	Verb Verb
	// Fields lists the paths of the fields that an update changes, sorted, as in spec.replicas and
	// metadata.labels[example.com/rack]. It is empty for an object that is created.
	Fields []string
}

// Any reports whether anything changes.
func (d Difference) Any() bool { return d.Verb != "" }

// Summary returns one line that describes the change and the first fields that differ.
func (d Difference) Summary(object Object) string {
	summary := string(d.Verb) + " " + object.Name()
	switch more := len(d.Fields) - fieldsShown; {
	case len(d.Fields) == 0:
		return summary
	case more > 0:
		return fmt.Sprintf("%s: %s and %d more", summary, strings.Join(d.Fields[:fieldsShown], ", "), more)
	default:
		return summary + ": " + strings.Join(d.Fields, ", ")
	}
}

// updating returns the Difference of an update that changes fields, or the zero Difference without fields.
func updating(fields []string) Difference {
	if len(fields) == 0 {
		return Difference{}
	}
	return Difference{Verb: Update, Fields: fields}
}

// comparable returns the object without the metadata that every request changes, even one that changes nothing else.
func comparable(object *unstructured.Unstructured) map[string]any {
	bare := object.DeepCopy()
	bare.SetManagedFields(nil)
	bare.SetResourceVersion("")
	bare.SetGeneration(0)
	return bare.Object
}

// differingFields returns the paths of the fields that differ, sorted. Lists are compared as a whole, and fields of
// live that are missing in applied count as different.
func differingFields(live, applied map[string]any) []string {
	var fields []string
	keys := maps.Clone(live)
	maps.Copy(keys, applied) // only the keys of this map are used
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		before, after := live[key], applied[key]
		inBefore, isMap := before.(map[string]any)
		inAfter, isMapToo := after.(map[string]any)
		switch {
		case reflect.DeepEqual(before, after):
		case isMap && isMapToo:
			for _, field := range differingFields(inBefore, inAfter) {
				fields = append(fields, step(key)+dotted(field))
			}
		// A value that is on one side only, or of different types.
		default:
			fields = append(fields, step(key))
		}
	}
	return fields
}

// step returns a key as part of a path. Keys that contain dots or slashes, as those of labels do, are put in brackets.
func step(key string) string {
	if strings.ContainsAny(key, "./") {
		return "[" + key + "]"
	}
	return key
}

// dotted returns path with the separator that joins it to its parent: none before a bracket.
func dotted(path string) string {
	if strings.HasPrefix(path, "[") {
		return path
	}
	return "." + path
}
