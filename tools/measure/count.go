package main

import (
	"go/ast"
	"go/scanner"
	"go/token"
)

// countLines counts the lines that hold code and those that hold nothing but a comment.
func countLines(source []byte, set *token.FileSet, syntax *ast.File) (code, comments int) {
	coded := map[int]bool{}
	commented := map[int]bool{}
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			break
		}
		if tok == token.SEMICOLON && literal == "\n" {
			continue
		}
		first := file.Line(pos)
		for line := first; line <= first+countNewlines(literal); line++ {
			coded[line] = true
		}
	}
	for _, group := range syntax.Comments {
		for line := set.Position(group.Pos()).Line; line <= set.Position(group.End()).Line; line++ {
			if !coded[line] {
				commented[line] = true
			}
		}
	}
	return len(coded), len(commented)
}

func countNewlines(text string) int {
	count := 0
	for _, r := range text {
		if r == '\n' {
			count++
		}
	}
	return count
}

// measureFunction counts a function's lines, its parameters, and the branches in it: 1, and one for each if, loop, case
// and logical operator.
func measureFunction(set *token.FileSet, declared *ast.FuncDecl) function {
	f := function{complexity: 1}
	f.lines = set.Position(declared.End()).Line - set.Position(declared.Pos()).Line + 1
	for _, field := range declared.Type.Params.List {
		f.parameters += max(1, len(field.Names))
	}
	ast.Inspect(declared, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.CaseClause, *ast.CommClause:
			f.complexity++
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				f.complexity++
			}
		}
		return true
	})
	return f
}

// countExports counts exported top-level names, and those of them that no comment explains.
func countExports(syntax *ast.File) (exports, undocumented int) {
	add := func(name *ast.Ident, docs ...*ast.CommentGroup) {
		if !name.IsExported() {
			return
		}
		exports++
		for _, doc := range docs {
			if doc != nil {
				return
			}
		}
		undocumented++
	}
	for _, declaration := range syntax.Decls {
		switch declared := declaration.(type) {
		case *ast.FuncDecl:
			if declared.Recv == nil {
				add(declared.Name, declared.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range declared.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name, declared.Doc, spec.Doc, spec.Comment)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						add(name, declared.Doc, spec.Doc, spec.Comment)
					}
				}
			}
		}
	}
	return exports, undocumented
}
