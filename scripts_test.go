package dualstrap_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// hostScript is a script for hosts, a file that a package embeds.
type hostScript struct {
	path string // relative, with slashes
	text string
	// args are the arguments that its header declares, sources the scripts that are put before it, by path.
	args, sources []string
}

// hostScripts reads all scripts for hosts, by path.
func hostScripts(t *testing.T) map[string]hostScript {
	t.Helper()
	scripts := map[string]hostScript{}
	for _, file := range writtenFiles(t) {
		if path.Ext(file) != ".sh" || path.Base(path.Dir(file)) != "scripts" {
			continue
		}
		data, err := os.ReadFile(filepath.FromSlash(file))
		if err != nil {
			t.Fatal(err)
		}
		script := hostScript{path: file, text: string(data)}
		header := regexp.MustCompile(`^(#.*\n)*`).FindString(script.text)
		for _, match := range regexp.MustCompile(`(?m)^#   ([a-z0-9_]+): .`).FindAllStringSubmatch(header, -1) {
			script.args = append(script.args, match[1])
		}
		for _, match := range regexp.MustCompile(`(?m)^# shellcheck source=(.*)$`).FindAllStringSubmatch(header, -1) {
			script.sources = append(script.sources, match[1])
		}
		scripts[file] = script
	}
	if len(scripts) < 30 {
		t.Fatalf("found only %d scripts", len(scripts))
	}
	return scripts
}

// TestScriptHeaders checks that scripts declare their arguments in the form that remote.NewScript reads, and use them.
func TestScriptHeaders(t *testing.T) {
	t.Parallel()
	for file, script := range hostScripts(t) {
		args := remote.Args{}
		for _, arg := range script.args {
			args[arg] = ""
			if !regexp.MustCompile(`\$\{?` + arg + `\b`).MatchString(script.text) {
				t.Errorf("%s does not use its argument %s", file, arg)
			}
		}
		if _, err := remote.NewScript(file, args, script.text); err != nil || len(args) != len(script.args) {
			t.Errorf("%v; the header has %v", err, script.args)
		}
	}
}

// TestScriptsOnlyReadArguments checks that neither a script nor what is put before it assigns to its arguments.
func TestScriptsOnlyReadArguments(t *testing.T) {
	t.Parallel()
	scripts := hostScripts(t)
	for file, script := range scripts {
		text := script.text
		for _, source := range script.sources {
			if scripts[source].text == "" {
				t.Errorf("%s names %s, which does not exist", file, source)
			}
			text += scripts[source].text
		}
		for _, arg := range script.args {
			if found := assignment(arg).FindString(text); found != "" {
				t.Errorf("%s assigns to its argument %s: %q", file, arg, found)
			}
		}
	}
}

// assignment returns an expression for whatever assigns to a variable of sh: name=, for name in, read name, ${name=.
func assignment(name string) *regexp.Regexp {
	return regexp.MustCompile(fmt.Sprintf(`(?m)^([^#\n]*[\s;&|({])?(%[1]s=|for %[1]s\b|read (-r )?([a-z0-9_]+ )*%[1]s\b)|\$\{%[1]s:?=`, name))
}

func TestAssignment(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"file=x": true, "\tIFS= file=x cat": true, "(file=1)": true, "for file in x; do": true, "for file do": true, "{ read -r file; }": true,
		"while read -r _ file state; do": true, "read file": true, `: "${file:=x}"`: true, "x && file=y": true,
		"my_file=x": false, "for files in x": false, "read -r files": false, "dd --file=x": false, "# file=x": false, "echo x # file=x": false,
		`"$file"`: false, `${file#*=}`: false, "read -r x <file": false, `if [ "$file" = x ]`: false,
	} {
		if got := assignment("file").MatchString("a\n" + text + "\nb"); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

// TestCallsPassTheArgumentsOfScripts checks, without running them, that calls pass the arguments that scripts declare. When
// they run, remote.NewScript checks the same.
func TestCallsPassTheArgumentsOfScripts(t *testing.T) {
	t.Parallel()
	scripts, embedded := hostScripts(t), embeddedScripts(t)
	called := map[string]bool{
		// A variable names these two, and a function of its own makes the arguments of the others. Unit tests run all of them.
		"provision/step/scripts/init.sh": true, "provision/step/scripts/join.sh": true,
		"hostprep/change/scripts/survey.sh": true, "hostprep/change/scripts/system.sh": true,
	}
	check := func(file sourceFile, variables map[string][]string, call *ast.CallExpr) {
		var want, got []string
		var before []string
		found, known := "", false
		for _, argument := range call.Args {
			if script, isScript := scripts[scriptOf(file, embedded, argument)]; isScript {
				before = append(before, found)
				found, want = script.path, append(want, script.args...)
			}
			if names, isArgs := argsOf(variables, argument); isArgs {
				got, known = names, true
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if found != "" && known && !slices.Equal(got, want) {
			t.Errorf("%s passes %v to %s, which declares %v", file.path, got, found, want)
		}
		for _, source := range before {
			if source != "" && !slices.Contains(scripts[found].sources, source) {
				t.Errorf("%s puts %s before %s, which does not name it: # shellcheck source=%s", file.path, source, found, source)
			}
		}
		called[found] = called[found] || known
	}
	// The functions that make a script, or run one.
	callers := []string{"script", "run", "runScript", "runExclusive", "probe", "NewScript", "EmbeddedScript"}
	for _, file := range projectFiles(t) {
		for _, declaration := range file.syntax.Decls {
			function, isFunction := declaration.(*ast.FuncDecl)
			if !isFunction || file.isTest() {
				continue
			}
			variables := argsVariables(function)
			ast.Inspect(function, func(node ast.Node) bool {
				call, isCall := node.(*ast.CallExpr)
				if isCall && slices.Contains(callers, calledName(call)) {
					check(file, variables, call)
				}
				return true
			})
		}
	}
	for file, script := range scripts {
		if len(script.args) > 0 && !called[file] {
			t.Errorf("no call of %s is found that passes arguments", file)
		}
	}
}

// calledName returns the name of a called function or method.
func calledName(call *ast.CallExpr) string {
	switch called := call.Fun.(type) {
	case *ast.Ident:
		return called.Name
	case *ast.SelectorExpr:
		return called.Sel.Name
	}
	return ""
}

// embeddedScripts returns the variables that hold embedded scripts, as DIRECTORY/NAME, with the scripts' paths.
func embeddedScripts(t *testing.T) map[string]string {
	t.Helper()
	embedded := map[string]string{}
	directive := regexp.MustCompile(`//go:embed (scripts/\S+\.sh)\n\s*(?:var )?(\w+) string`)
	for _, file := range projectFiles(t) {
		source, err := os.ReadFile(filepath.FromSlash(file.path))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range directive.FindAllStringSubmatch(string(source), -1) {
			embedded[path.Join(file.dir(), match[2])] = path.Join(file.dir(), match[1])
		}
	}
	return embedded
}

// scriptOf returns the path of the script that an argument of a call names: by a literal, or by a variable.
func scriptOf(file sourceFile, embedded map[string]string, argument ast.Expr) string {
	switch argument := argument.(type) {
	case *ast.BasicLit:
		if name, err := strconv.Unquote(argument.Value); err == nil && argument.Kind == token.STRING {
			return path.Join(file.dir(), "scripts", name+".sh")
		}
	case *ast.Ident:
		return embedded[path.Join(file.dir(), argument.Name)]
	}
	return ""
}

// argsVariables returns the names of arguments in those variables of a function that are declared as a literal.
func argsVariables(function *ast.FuncDecl) map[string][]string {
	variables := map[string][]string{}
	ast.Inspect(function, func(node ast.Node) bool {
		if assign, is := node.(*ast.AssignStmt); is && len(assign.Lhs) == 1 && len(assign.Rhs) == 1 {
			variable, isVariable := assign.Lhs[0].(*ast.Ident)
			if names, isArgs := argsOf(nil, assign.Rhs[0]); isVariable && isArgs {
				variables[variable.Name] = names
			}
		}
		return true
	})
	return variables
}

// argsOf returns the names of arguments in an expression that is a literal, nil, or one of the variables.
func argsOf(variables map[string][]string, expression ast.Expr) ([]string, bool) {
	switch expression := expression.(type) {
	case *ast.Ident:
		names, isVariable := variables[expression.Name]
		return slices.Clone(names), isVariable || expression.Name == "nil"
	case *ast.CompositeLit:
		names := map[string]bool{}
		for _, element := range expression.Elts {
			pair, isPair := element.(*ast.KeyValueExpr)
			if !isPair {
				return nil, false
			}
			key, isLiteral := pair.Key.(*ast.BasicLit)
			if !isLiteral {
				return nil, false
			}
			name, err := strconv.Unquote(key.Value)
			if err != nil {
				return nil, false
			}
			names[name] = true
		}
		return slices.Sorted(maps.Keys(names)), true
	}
	return nil, false
}

// TestScriptsAnnounceHowLongTheyWait checks that a script with its own timeout announces it, so that it is not killed before.
func TestScriptsAnnounceHowLongTheyWait(t *testing.T) {
	t.Parallel()
	waits := regexp.MustCompile(`(?m)^\s*(kubeadm (init|join|reset)|(if ! )?flock --timeout)`)
	announces := regexp.MustCompile(`(?m)^\s*progress ([0-9]+|"\$)`)
	found := 0
	for file, script := range hostScripts(t) {
		if !waits.MatchString(script.text) {
			continue
		}
		found++
		if !announces.MatchString(script.text) {
			t.Errorf("%s has its own timeout, and does not announce it: progress SECONDS", file)
		}
	}
	if found < 6 {
		t.Errorf("only %d scripts wait", found)
	}
}
