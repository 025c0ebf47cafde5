package kube

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Verb is what applying does to an object.
type Verb string

// The values of a Verb. There is none for an object that stays as it is.
const (
	Create Verb = "create"
	Update Verb = "update"
)

// fieldsShown is how many fields a summary names.
const fieldsShown = 3

// Difference is what applying an object changes: the zero Difference is nothing.
type Difference struct {
	Verb Verb
	// Fields are those that an update changes, as in spec.replicas and metadata.labels[example.com/rack].
	Fields []string
}

// Any reports whether anything changes.
func (d Difference) Any() bool { return d.Verb != "" }

// Summary says in one line what changes about an object, and why.
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

// updating is an update of fields; nothing when there are none.
func updating(fields []string) Difference {
	if len(fields) == 0 {
		return Difference{}
	}
	return Difference{Verb: Update, Fields: fields}
}

// comparable leaves out what changes with every request.
func comparable(object *unstructured.Unstructured) map[string]any {
	bare := object.DeepCopy()
	bare.SetManagedFields(nil)
	bare.SetResourceVersion("")
	bare.SetGeneration(0)
	return bare.Object
}

// differingFields gives the paths of fields that are not the same, sorted. Lists are compared whole.
func differingFields(live, applied map[string]any) []string {
	var fields []string
	keys := maps.Clone(live)
	maps.Copy(keys, applied)
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
		default:
			fields = append(fields, step(key))
		}
	}
	return fields
}

// step writes a key as a part of a path: keys that have dots in them, as labels do, stand in brackets.
func step(key string) string {
	if strings.ContainsAny(key, "./") {
		return "[" + key + "]"
	}
	return key
}

// dotted joins a path to the part before it.
func dotted(path string) string {
	if strings.HasPrefix(path, "[") {
		return path
	}
	return "." + path
}
