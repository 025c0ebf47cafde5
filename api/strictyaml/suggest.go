package strictyaml

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the candidate with the smallest edit distance to word, or "" when none is close: at most a third
// of the word may differ, and one character of a short word. Case does not count.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", max(1, len(word)/3)+1
	lower := strings.ToLower(word)
	for _, c := range candidates {
		// The distance is at least the difference in length, which costs nothing to compute.
		if len(c)-len(word) >= bestDistance || len(word)-len(c) >= bestDistance {
			continue
		}
		if distance := levenshtein.Distance(lower, strings.ToLower(c), nil); distance < bestDistance {
			best, bestDistance = c, distance
		}
	}
	return best
}

// suggest returns a hint for an unknown field: a field of the same mapping with a similar name, or the place where
// a field of this name belongs; "" when it finds neither.
func (d *decoder) suggest(known *structure, name string, rules *Fields) string {
	if len(name) > maxShownKey {
		return ""
	}
	names := slices.Clone(known.names)
	if rules != nil {
		for n := range rules.below {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	search := fieldSearch{types: d.types, name: name, seen: map[reflect.Type]int{}}
	search.in(d.root, "", 0)
	if search.found != "" {
		return fmt.Sprintf("it belongs to %s", search.found)
	}
	return ""
}

// fieldSearch finds the place of a field by its name in a type and all types nested in it. Of several it finds the
// one closest to the top.
type fieldSearch struct {
	types structures
	name  string
	// found is the path of the best place so far, and depth its level; found is empty until there is one.
	found string
	depth int
	// seen holds the smallest depth at which each type was searched.
	seen map[reflect.Type]int
}

// in searches a type and then the types of its fields.
func (s *fieldSearch) in(t reflect.Type, path string, depth int) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			path += "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || hasUnmarshaler(t) || !s.worth(t, depth) {
		return
	}
	s.seen[t] = depth
	known := s.types.of(t)
	if _, ok := known.fields[s.name]; ok {
		s.found, s.depth = path, depth
		if path == "" {
			s.found = "the top level"
		}
		return
	}
	for _, name := range known.names {
		s.in(known.fields[name].typ, AppendKey(path, name), depth+1)
	}
}

// worth reports whether searching t at this depth can find a better place than the one found. A type is searched
// again only at a smaller depth, so that recursive types do not loop.
func (s *fieldSearch) worth(t reflect.Type, depth int) bool {
	before, again := s.seen[t]
	return (s.found == "" || depth < s.depth) && (!again || depth < before)
}
