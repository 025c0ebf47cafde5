package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tree is the Go code below a directory.
type tree struct {
	module string
	// packages are by import path below the module; "" is the root.
	packages map[string]*pkg
	files    []file
	// requires counts the modules that go.mod requires: those the code imports, and those that come with them.
	direct, indirect int
}

// pkg is one package of production code, with the tests beside it.
type pkg struct {
	files, lines int
	documented   bool
	tested       bool
	imports      map[string]bool
	exports      int
	// undocumented counts exported top-level names without a comment.
	undocumented int
}

// file is one file that people write.
type file struct {
	path  string
	lines int
	// code and comments count lines that hold either; empty lines are in neither.
	code, comments int
	test           bool
	// integration says that a build tag keeps the file out of the quick tests.
	integration bool
	functions   []function
}

// function is one declared function or method.
type function struct {
	lines, complexity, parameters int
}

// skipped are directories whose code is not the project's own, or that build other modules.
func skipped(name string) bool {
	return name == "testdata" || name == "vendor" || name == "build" || name == "tools" || strings.HasPrefix(name, ".") && name != "."
}

// readTree reads a module: its go.mod and all of its Go files, generated ones left out.
func readTree(dir string) (*tree, error) {
	t := &tree{packages: map[string]*pkg{}}
	if err := t.readModule(filepath.Join(dir, "go.mod")); err != nil {
		return nil, err
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != dir && skipped(entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return t.readFile(path, filepath.ToSlash(relative))
	})
	return t, err
}

func (t *tree) readModule(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	required := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "module "):
			t.module = strings.TrimPrefix(line, "module ")
		case line == "require (":
			required = true
		case line == ")":
			required = false
		case required && strings.HasSuffix(line, "// indirect"):
			t.indirect++
		case required && line != "":
			t.direct++
		}
	}
	return nil
}

func (t *tree) readFile(path, relative string) error {
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, path, source, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("cannot parse %s: %w", relative, err)
	}
	if ast.IsGenerated(syntax) {
		return nil
	}
	f := file{path: relative, lines: bytes.Count(source, []byte("\n")), test: isTest(relative)}
	f.integration = f.test && bytes.Contains(source[:min(len(source), 400)], []byte("//go:build integration"))
	f.code, f.comments = countLines(source, set, syntax)
	for _, declaration := range syntax.Decls {
		if declared, ok := declaration.(*ast.FuncDecl); ok {
			f.functions = append(f.functions, measureFunction(set, declared))
		}
	}
	t.files = append(t.files, f)
	t.addToPackage(f, syntax)
	return nil
}

// addToPackage counts a file for the package of its directory.
func (t *tree) addToPackage(f file, syntax *ast.File) {
	dir := filepath.ToSlash(filepath.Dir(f.path))
	p := t.packages[dir]
	if p == nil {
		p = &pkg{imports: map[string]bool{}}
		t.packages[dir] = p
	}
	if f.test {
		p.tested = true
		return
	}
	p.files++
	p.lines += f.lines
	p.documented = p.documented || syntax.Doc != nil
	for _, spec := range syntax.Imports {
		if own, ok := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), t.module+"/"); ok {
			p.imports[own] = true
		}
	}
	exports, undocumented := countExports(syntax)
	p.exports += exports
	p.undocumented += undocumented
}

// isTest reports whether a file is of tests: its name says so, or that of its package, which supports tests as httptest does.
func isTest(path string) bool {
	return strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Base(filepath.Dir(path)), "test")
}
