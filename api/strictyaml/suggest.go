package strictyaml

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest gives the candidate that differs from word by the fewest edits, or "" when none is close:
// at most a third of the word may differ. Case does not count.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", max(1, len(word)/3)+1
	lower := strings.ToLower(word)
	for _, c := range candidates {
		if len(c)-len(word) >= bestDistance || len(word)-len(c) >= bestDistance {
			continue
		}
		if distance := levenshtein.Distance(lower, strings.ToLower(c), nil); distance < bestDistance {
			best, bestDistance = c, distance
		}
	}
	return best
}

// suggest says what may be meant by an unknown field: one of the same mapping that is written nearly
// alike, or one of the same name elsewhere.
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

// fieldSearch looks for a field of a name in a type and all that it holds, and finds the highest.
type fieldSearch struct {
	types structures
	name  string
	found string
	depth int
	// seen holds how deep a type was met, at least.
	seen map[reflect.Type]int
}

// in searches a type, and then what its fields hold.
func (s *fieldSearch) in(t reflect.Type, path string, depth int) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice {
			path += "[]"
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || decodesItself(t) || !s.worth(t, depth) {
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

// worth reports whether a search at some depth can find a place that is higher than the one found. A
// type is searched again only nearer to the top, so that types which hold themselves come to an end.
func (s *fieldSearch) worth(t reflect.Type, depth int) bool {
	before, again := s.seen[t]
	return (s.found == "" || depth < s.depth) && (!again || depth < before)
}
