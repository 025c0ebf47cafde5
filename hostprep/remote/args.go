package remote

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Args are the arguments of a script: a variable with that value for each name, which the script only reads. A list is one
// value, see [Lines].
//
// A name consists of lower-case letters, digits and underscores, and begins with a letter. So it cannot collide with
// variables of the shell and the environment, as PATH and IFS, which are in upper case, nor with those of this package, which
// begin with an underscore. The names lock and state are reserved as well: several scripts share these variables.
type Args map[string]string

// Lines returns a list as one value, with one item per line. An item must not contain a newline, and an empty one is
// ignored by scripts that split the value into words.
func Lines(items ...string) string { return strings.Join(items, "\n") }

// check returns an error for arguments that a script cannot have.
func (a Args) check() error {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		switch {
		case !isArgName(name):
			return fmt.Errorf("%q cannot name an argument: use lower-case letters, digits and underscores, and a letter first", name)
		case name == "lock", name == "state":
			return fmt.Errorf("%q cannot name an argument: it is a variable of scripts", name)
		case strings.ContainsRune(a[name], 0):
			return fmt.Errorf("the argument %s cannot hold NUL", name)
		}
	}
	return nil
}

// isArgName reports whether a name has the form that [Args] describes.
func isArgName(name string) bool {
	for i, c := range []byte(name) {
		isLetter := c >= 'a' && c <= 'z'
		isOther := c >= '0' && c <= '9' || c == '_'
		if !isLetter && (!isOther || i == 0) {
			return false
		}
	}
	return name != ""
}

// assignments returns the arguments as assignments of sh, in the order of their names. They replace variables of the
// environment: one that is exported would pass a secret on to every process that the script starts.
func (a Args) assignments() string {
	if len(a) == 0 {
		return ""
	}
	names := slices.Sorted(maps.Keys(a))
	var text strings.Builder
	text.WriteString("unset -v " + strings.Join(names, " ") + "\n")
	for _, name := range names {
		text.WriteString(name + "=" + quote(a[name]) + "\n")
	}
	return text.String()
}

// NewScript returns a script whose body is made of texts, one after the other. The last one is the script proper, those
// before it define what it uses. Each begins with a comment that declares its arguments, if it has any:
//
//	# Installs packages.
//	# Arguments:
//	#   programs: names of programs that have to exist afterwards
//	#   packages: names of packages, one per line;
//	#     a longer description is indented further
//
// It is an error if the names of args are not exactly those that the texts declare.
func NewScript(name string, args Args, texts ...string) (Script, error) {
	declared := map[string]bool{}
	for _, text := range texts {
		for _, arg := range declaredArgs(text) {
			declared[arg] = true
		}
	}
	for _, arg := range slices.Sorted(maps.Keys(declared)) {
		if _, given := args[arg]; !given {
			return Script{}, fmt.Errorf("%s: the script's argument %s is missing", name, arg)
		}
	}
	for _, arg := range slices.Sorted(maps.Keys(args)) {
		if !declared[arg] {
			return Script{}, fmt.Errorf("%s: the script does not declare the argument %q", name, arg)
		}
	}
	return Script{Name: name, Body: strings.Join(texts, ""), Args: args}, nil
}

// EmbeddedScript returns the script that consists of the files scripts/NAME.sh of a package, in the order of names: each may
// use what the ones before it define. name describes the script in logs and errors.
func EmbeddedScript(files fs.FS, name string, args Args, names ...string) (Script, error) {
	texts := make([]string, len(names))
	for i, file := range names {
		text, err := fs.ReadFile(files, "scripts/"+file+".sh")
		if err != nil {
			return Script{}, fmt.Errorf("cannot read a script of this program: %w", err)
		}
		texts[i] = string(text)
	}
	return NewScript(name, args, texts...)
}

// After returns the script with what must precede it: text defines functions that it uses.
func (s Script) After(text string) Script {
	s.Body = text + s.Body
	return s
}

// declaredArgs returns the names of the arguments that the comment at the beginning of a script declares.
func declaredArgs(text string) []string {
	var names []string
	declares := false
	for line := range strings.Lines(text) {
		comment, isComment := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "#")
		if !isComment {
			break
		}
		item, isItem := strings.CutPrefix(comment, "   ")
		switch name, _, named := strings.Cut(item, ": "); {
		case strings.HasPrefix(comment, " Arguments") && strings.HasSuffix(comment, ":"):
			declares = true
		case !isItem:
			declares = false
		case declares && named && isArgName(name):
			names = append(names, name)
		}
	}
	return names
}
