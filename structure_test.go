// Package dualstrap_test checks the structure, the documentation and the language of the project: which packages may
// import which, that every package has a comment, that files stay short, and that pages match the program.
package dualstrap_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/dualstrap/dualstrap"

// maxFileLines is the largest number of lines of a file, tests included, generated files excepted.
const maxFileLines = 300

// sourceFile is a Go file of the project.
type sourceFile struct {
	path   string // relative, with slashes
	syntax *ast.File
	lines  int
}

func (f sourceFile) dir() string  { return path.Dir(f.path) }
func (f sourceFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }
func (f sourceFile) isMade() bool { return ast.IsGenerated(f.syntax) }

// imports returns the imported packages of the project, without the module's path.
func (f sourceFile) imports() []string {
	var ours []string
	for _, spec := range f.syntax.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if rest, ok := strings.CutPrefix(imported, module+"/"); ok {
			ours = append(ours, rest)
		}
	}
	return ours
}

// holdsSource reports whether a directory may have packages that these tests check. Build results, test data, hidden
// directories, and tools, most of which are modules of their own, are left out.
func holdsSource(dir string) bool {
	switch base := filepath.Base(dir); {
	case dir == ".":
		return true
	case dir == "build", dir == "tools", base == "testdata":
		return false
	default:
		return !strings.HasPrefix(base, ".")
	}
}

// projectFiles parses all Go files of the module, including tests.
func projectFiles(t *testing.T) []sourceFile {
	t.Helper()
	files, err := parsedFiles()
	if err != nil {
		t.Fatalf("cannot read the project: %v", err)
	}
	if len(files) < 10 {
		t.Fatalf("found only %d Go files: is this the project's root?", len(files))
	}
	return files
}

// parsedFiles parses all Go files once, for all tests.
var parsedFiles = sync.OnceValues(func() ([]sourceFile, error) { //nolint:gochecknoglobals // tests only read it
	var files []sourceFile
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && !holdsSource(name) {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, sourceFile{path: filepath.ToSlash(name), syntax: syntax, lines: bytes.Count(source, []byte("\n"))})
		return nil
	})
	return files, err
})

// TestImportDirection checks that packages import only what mayImport lists.
func TestImportDirection(t *testing.T) {
	t.Parallel()
	allowed := mayImport()
	for _, file := range projectFiles(t) {
		if file.isTest() {
			continue // tests may import other packages than the code they test
		}
		permitted, listed := allowed[file.dir()]
		if !listed {
			t.Errorf("%s: directory %s is not in mayImport", file.path, file.dir())
			continue
		}
		for _, imported := range file.imports() {
			if !slices.Contains(permitted, imported) {
				t.Errorf("%s: %s must not import %s", file.path, file.dir(), imported)
			}
		}
	}
}

// TestEveryPackageSaysWhatItIsFor checks that every package has a package comment.
func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	described := map[string]bool{}
	for _, file := range projectFiles(t) {
		if file.isTest() && file.dir() != "." {
			continue
		}
		comment := file.syntax.Doc.Text()
		opening := strings.HasPrefix(comment, "Package ") || strings.HasPrefix(comment, "Command ")
		described[file.dir()] = described[file.dir()] || opening
	}
	for dir, ok := range described {
		if !ok {
			t.Errorf("%s: no package comment", dir)
		}
	}
}

// TestFilesStayShort checks the number of lines of every file.
func TestFilesStayShort(t *testing.T) {
	t.Parallel()
	for _, file := range projectFiles(t) {
		if !file.isMade() && file.lines > maxFileLines {
			t.Errorf("%s: %d lines, more than %d: it is about two things", file.path, file.lines, maxFileLines)
		}
	}
}

// TestRawStreamsAreFew checks that only the listed files write to standard output or error without escaping control
// characters. Each has the reason why that is safe.
func TestRawStreamsAreFew(t *testing.T) {
	t.Parallel()
	may := map[string]string{
		"cmd/bundle_build.go":         "progress draws with escape sequences; the names of its steps are constants",
		"cmd/lab_exec.go":             "the user names the command, so its output is not altered",
		"cmd/internal/cli/output.go":  "colours of the plan; the rules for manifests validate all names in it",
		"cmd/internal/cli/session.go": "progress draws with escape sequences; names of phases are constants, notes are escaped",
	}
	for _, file := range projectFiles(t) {
		if file.isTest() || !strings.HasPrefix(file.path, "cmd/") {
			continue
		}
		ast.Inspect(file.syntax, func(node ast.Node) bool {
			call, isCall := node.(*ast.CallExpr)
			if !isCall {
				return true
			}
			name := ""
			switch called := call.Fun.(type) {
			case *ast.Ident:
				name = called.Name
			case *ast.SelectorExpr:
				name = called.Sel.Name
			}
			if name == "Raw" && may[file.path] == "" && file.path != "cmd/internal/cli/visible.go" {
				t.Errorf("%s bypasses the streams that escape control characters", file.path)
			}
			return true
		})
	}
}

// TestRefusalsAreCounted checks that tests of bad input are named TestHostile and a kind of input, since only those are
// counted in the table of docs/security.md. It recognizes such tests by words in their names; a test of something that is
// refused for another reason than bad input needs a name without these words.
func TestRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	words := regexp.MustCompile(`Hostile|Refuses|Malformed|Endless|Invalid|Garbage|Malicious|Bad[A-Z]`)
	for _, file := range projectFiles(t) {
		for _, declaration := range file.syntax.Decls {
			function, isFunction := declaration.(*ast.FuncDecl)
			if !isFunction || !file.isTest() || !strings.HasPrefix(function.Name.Name, "Test") {
				continue
			}
			name := function.Name.Name
			if words.MatchString(name) && !strings.HasPrefix(name, "TestHostile") && !strings.HasPrefix(name, "TestIntegration") {
				t.Errorf("%s: rename %s to TestHostile and the kind of input, with a subtest for each input, so that it is counted", file.path, name)
			}
			if strings.HasPrefix(name, "TestHostile") && strings.Contains(file.path, "_integration_test") {
				t.Errorf("%s: %s does not run everywhere: rename it to TestIntegration", file.path, name)
			}
		}
	}
}

// maxMethods is the largest number of methods of a type in the packages of commands: a type with more has become a place where
// everything meets.
const maxMethods = 15

// TestTypesOfCommandsStaySmall counts the methods of the types in the packages that make up commands.
func TestTypesOfCommandsStaySmall(t *testing.T) {
	t.Parallel()
	commands := []string{"create", "keys", "load", "preflight", "prove", "refusal", "reset", "rotate", "session", "step"}
	methods := map[string]int{}
	for _, file := range projectFiles(t) {
		name, isCommand := strings.CutPrefix(file.dir(), "provision/")
		if !isCommand || !slices.Contains(commands, name) || file.isTest() {
			continue
		}
		for _, declaration := range file.syntax.Decls {
			if function, is := declaration.(*ast.FuncDecl); is && function.Recv != nil {
				receiver := function.Recv.List[0].Type
				if pointer, is := receiver.(*ast.StarExpr); is {
					receiver = pointer.X
				}
				methods[name+"."+types.ExprString(receiver)]++
			}
		}
	}
	for name, count := range methods {
		if count > maxMethods {
			t.Errorf("%s has %d methods, more than %d", name, count, maxMethods)
		}
	}
	if methods["session.Session"] == 0 {
		t.Error("no methods of session.Session are found")
	}
}

// TestIntegrationTestsAreNamed checks that exactly the tests that need root and real programs have names that begin with
// TestIntegration. The integration tests run by that name.
func TestIntegrationTestsAreNamed(t *testing.T) {
	t.Parallel()
	found := 0
	for _, file := range projectFiles(t) {
		isIntegration := slices.ContainsFunc(file.syntax.Comments, func(comment *ast.CommentGroup) bool {
			return comment.Pos() < file.syntax.Package && strings.Contains(comment.List[0].Text, "go:build integration")
		})
		for _, declaration := range file.syntax.Decls {
			function, is := declaration.(*ast.FuncDecl)
			if !is || function.Recv != nil || !strings.HasPrefix(function.Name.Name, "Test") || function.Name.Name == "TestMain" {
				continue
			}
			named := strings.HasPrefix(function.Name.Name, "TestIntegration") && file.dir() != "."
			if named {
				found++
			}
			if named != isIntegration && file.isTest() {
				t.Errorf("%s: %s, in a file with the tag integration: %t", file.path, function.Name.Name, isIntegration)
			}
		}
	}
	if found < 50 {
		t.Errorf("found only %d", found)
	}
}
