package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const module = "github.com/dualstrap/dualstrap"

// kind is a kind of bad input.
type kind struct {
	dir, test string // the directory and the name of its test
	tries     string // a description of the inputs, from the test's doc comment
	rows      int    // the number of bad inputs that the test has tried
}

// title returns the name of the test in words: "API answers" for TestHostileAPIAnswers. Acronyms stay in upper case.
func (k kind) title() string {
	name := strings.TrimPrefix(k.test, testPrefix)
	for _, border := range []string{`([a-z])([A-Z])`, `([A-Z])([A-Z][a-z])`} {
		name = regexp.MustCompile(border).ReplaceAllString(name, "$1 $2")
	}
	words := strings.Fields(name)
	for i, word := range words {
		if word != strings.ToUpper(word) || len(word) == 1 {
			words[i] = strings.ToLower(word)
		}
	}
	return strings.Join(words, " ")
}

// findKinds returns the kinds of bad input for which there are tests in a tree of packages, sorted by directory and name.
func findKinds(root string) ([]kind, error) {
	var kinds []kind
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && (strings.HasPrefix(entry.Name(), ".") || name == "build" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		found, err := kindsOf(syntax, filepath.ToSlash(filepath.Dir(name)))
		kinds = append(kinds, found...)
		return err
	})
	slices.SortFunc(kinds, func(a, b kind) int {
		return strings.Compare(a.dir+" "+a.test, b.dir+" "+b.test)
	})
	return kinds, err
}

// kindsOf returns the kinds of a test file. It returns an error if the comment of a test does not say what the test tries.
func kindsOf(file *ast.File, dir string) ([]kind, error) {
	var kinds []kind
	for _, declaration := range file.Decls {
		function, isFunction := declaration.(*ast.FuncDecl)
		if !isFunction || !strings.HasPrefix(function.Name.Name, testPrefix) {
			continue
		}
		test := function.Name.Name
		comment := new(doc.Package).Synopsis(function.Doc.Text())
		tries, found := strings.CutPrefix(comment, test+" tries ")
		if !found {
			return nil, fmt.Errorf("%s: the comment of %s has to begin with \"%[2]s tries \" and the inputs that it tries", dir, test)
		}
		kinds = append(kinds, kind{dir: dir, test: test, tries: strings.TrimSuffix(tries, ".")})
	}
	return kinds, nil
}

// count sets the rows of each kind. It returns an error unless all tests of bad input ran and passed, and have rows.
func count(kinds []kind, ran results) error {
	parents := map[testID]bool{} // tests that have subtests, which are therefore not counted
	var problems []error
	for id, result := range ran {
		for at, r := range id.name {
			if r == '/' {
				parents[testID{id.pkg, id.name[:at]}] = true
			}
		}
		if result != "pass" {
			problems = append(problems, fmt.Errorf("%s: %s: %s: a test of bad input has to run everywhere", id.pkg, id.name, result))
		}
	}
	for i, k := range kinds {
		pkg := path.Join(module, k.dir)
		for id := range ran {
			if id.pkg == pkg && strings.HasPrefix(id.name, k.test+"/") && !parents[id] {
				kinds[i].rows++
			}
		}
		switch {
		case ran[testID{pkg, k.test}] == "":
			problems = append(problems, fmt.Errorf("%s: %s did not run", pkg, k.test))
		case kinds[i].rows == 0:
			problems = append(problems, fmt.Errorf("%s: %s has no subtests: each bad input is one", pkg, k.test))
		}
	}
	return errors.Join(problems...)
}
