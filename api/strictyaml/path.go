package strictyaml

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxShownKey is the length of the longest key in Kubernetes: a prefix of 253 characters, a slash and a name of 63.
const maxShownKey = 317

// step is one step of a path: a key of a mapping, or an item of a list if isIndex is set. A step that was parsed
// from a path has both, since [3] can be either.
type step struct {
	key     string
	index   int
	isIndex bool
}

// AppendKey returns the path of an entry of the mapping at path.
func AppendKey(path, key string) string {
	if !isPlain(key) {
		if key == "" || strings.ContainsAny(key, `[]"`) || strconv.Quote(key) != `"`+key+`"` {
			key = strconv.Quote(key)
		}
		return path + "[" + key + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// AppendIndex returns the path of an item, counted from 0, of the list at path.
func AppendIndex(path string, index int) string {
	return path + "[" + strconv.Itoa(index) + "]"
}

// isPlain reports whether a key needs no brackets in a path.
func isPlain(key string) bool {
	for _, c := range []byte(key) {
		if !isWordByte(c) {
			return false
		}
	}
	return key != ""
}

// isWordByte reports whether a path shows a character without brackets.
func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// formatPath formats a path. It stops at the first key that must not be shown.
func formatPath(steps []step) string {
	path := ""
	for _, s := range steps {
		switch {
		case s.isIndex:
			path = AppendIndex(path, s.index)
		case isShowable(s.key):
			path = AppendKey(path, s.key)
		default:
			return path
		}
	}
	return path
}

// shownKey returns the step to the entry of a mapping whose key is at index i of Content. It is empty for a key
// that had no colon, as in {word} or before a repair, because that may be a value, and so a secret.
func (d *Document) shownKey(mapping *yaml.Node, i int) step {
	key, value := target(mapping.Content[i]), mapping.Content[i+1]
	if d.guessed[key.Line] || mapping.Style&yaml.FlowStyle != 0 && isNull(value) && value.Value == "" {
		return step{}
	}
	return step{key: key.Value}
}

// isShowable reports whether a key looks like one. Anything else may be a value in the place of a key, and so a
// secret.
func isShowable(key string) bool {
	if key == "" || len(key) > maxShownKey {
		return false
	}
	for _, c := range []byte(key) {
		if !isWordByte(c) && c != '.' && c != '/' {
			return false
		}
	}
	return true
}

// splitPath parses a path. It ignores everything after a mistake.
func splitPath(path string) []step {
	var steps []step
	for path != "" {
		var s step
		var ok bool
		if path[0] == '[' {
			s, path, ok = cutBracket(path)
		} else {
			s, path, ok = cutName(path)
		}
		if !ok {
			break
		}
		steps = append(steps, s)
	}
	return steps
}

// cutName splits off the first name of a path.
func cutName(path string) (s step, rest string, ok bool) {
	path = strings.TrimPrefix(path, ".")
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		end = len(path)
	}
	return step{key: path[:end]}, path[end:], end > 0
}

// cutBracket splits off the first bracket of a path. Quoted content is a key. A number may be an index or a key, so
// the step is both.
func cutBracket(path string) (s step, rest string, ok bool) {
	inner := path[1:]
	if quoted, err := strconv.QuotedPrefix(inner); err == nil && inner[0] == '"' {
		key, err := strconv.Unquote(quoted)
		rest, ok = strings.CutPrefix(inner[len(quoted):], "]")
		return step{key: key}, rest, ok && err == nil
	}
	inner, rest, ok = strings.Cut(inner, "]")
	if index, err := strconv.Atoi(inner); err == nil && index >= 0 {
		return step{key: inner, index: index, isIndex: true}, rest, ok
	}
	return step{key: inner}, rest, ok
}

// found is the result of following a path.
type found struct {
	// at is the key of the last entry that exists, or the last item. value is its value, with aliases resolved.
	at    *yaml.Node
	value *yaml.Node
	// complete is set when the whole path exists.
	complete bool
}

// find follows a path as far as it exists, through aliases too.
func (d *Document) find(path string) found {
	if d.root == nil {
		return found{}
	}
	f := found{at: d.root, value: d.root}
	for _, s := range splitPath(path) {
		at, value := d.child(f.value, s)
		if at == nil {
			return f
		}
		f.at, f.value = at, target(value)
	}
	f.complete = true
	return f
}

// child returns the key and the value of an entry, or an item as both. It returns nil when the step does not exist.
func (d *Document) child(n *yaml.Node, s step) (at, value *yaml.Node) {
	switch n.Kind {
	case yaml.SequenceNode:
		if s.isIndex && s.index < len(n.Content) {
			return n.Content[s.index], n.Content[s.index]
		}
	case yaml.MappingNode:
		if i, ok := d.keyIndex(n, s.key); ok {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// keyIndex returns the position of a key in Content. It uses the index of a large mapping, and a linear search
// otherwise.
func (d *Document) keyIndex(mapping *yaml.Node, key string) (int, bool) {
	if index, ok := d.wide[mapping]; ok {
		i, ok := index[key]
		return i, ok
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if n := mapping.Content[i]; isTextKey(n) && target(n).Value == key {
			return i, true
		}
	}
	return 0, false
}

// Position returns the line and column of a field: of the key for an entry of a mapping, of the item for a list.
// For a path that does not exist it returns those of the nearest existing ancestor, or the beginning of the
// document. The package comment documents the form of paths.
//
// It walks down the document, and large mappings have an index, so looking up every field takes time proportional
// to the size of the document.
func (d *Document) Position(path string) (line, column int) {
	f := d.find(path)
	if f.at == nil {
		return d.Line, 1
	}
	p := d.place(f.at)
	return p.line, p.column
}
