package dualstrap_test

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// word is one that the project does not use, because the field, or plain English, has a better one.
type word struct {
	pattern string
	instead string
	// but are texts around the word that make it right, as in "gives up".
	but []string
}

// words lists what the project does not say, and what it says instead. Patterns are regular expressions over lower case
// text with single spaces. They apply to comments, strings of production code, identifiers (taken apart into their words),
// scripts and pages.
func words() []word {
	return []word{
		{pattern: `folders?`, instead: "directory"},
		{pattern: `cures?`, instead: "hint"},
		{pattern: `cut off`, instead: "interrupted"},
		{pattern: `whoever`, instead: "anyone who, the user"},
		{pattern: `nobody`, instead: "no one, nothing, or the passive voice"},
		{pattern: `somebody('s)?`, instead: "someone, another program, third-party"},
		{pattern: `what there was`, instead: "the previous state"},
		{pattern: `(come|comes|came) to (its|an|their) ends?`, instead: "finish, end"},
		{pattern: `for life`, instead: "immutable"},
		{pattern: `(take|takes|taken|took|taking) back`, instead: "revert, undo, restore"},
		{pattern: `(judge|judges|judged|judging)`, instead: "validate, check, evaluate"},
		{pattern: `half of a node`, instead: "partially joined node"},
		{pattern: `last words`, instead: "last log lines"},
		{pattern: `has not got|has got|have got`, instead: "does not have, has"},
		{pattern: `anew`, instead: "again"},
		{pattern: `by itself|by themselves`, instead: "automatically, on its own, alone"},
		{pattern: `(founder|founded|founding)`, instead: "initialized, the first control plane node"},
		{pattern: `is none|are none`, instead: "is missing, is not one"},
		{pattern: `is what|are what`, instead: "a verb: X holds, lists, describes"},
		{pattern: `[a-z0-9]+ (is|are) no [a-z]+`, instead: "is not a, is missing", but: []string{
			"there is no", "there are no", "is no longer", "are no longer", "is no more", "are no more", "is no such",
		}},
	}
}

// docVerbs are first verbs of doc comments, after the name, for which the Go library has another.
func docVerbs() map[string]string {
	return map[string]string{"gives": "returns", "tells": "returns or reports", "says": "returns, reports, or describes"}
}

// spokenIn are texts in which a word is right: names that others chose, and files that say what older versions wrote.
func spokenIn() map[string][]string {
	return map[string][]string{
		"hostprep/change/record.go": {"folder"}, // the record on hosts of older clusters has it
		// The file of keys is compared between hosts byte for byte, and older clusters have it so.
		"provision/encryption/config.go": {"nobody"},
	}
}

// TestWords holds comments, identifiers, texts, scripts and pages to the words of the field.
func TestWords(t *testing.T) {
	t.Parallel()
	checker := newWordChecker()
	for _, file := range writtenFiles(t) {
		var found []string
		switch path.Ext(file) {
		case ".go":
			found = checker.goFile(t, file)
		case ".sh", ".md", ".txtar":
			found = checker.textFile(t, file)
		}
		for _, line := range found {
			t.Error(line)
		}
	}
}

// writtenFiles lists the files that people have written, but for the list of words itself. It does not ask git, which
// refuses a clone that belongs to another user.
func writtenFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || name == "build" || name == "dualstrap-workspace"):
			return filepath.SkipDir
		case !entry.IsDir() && name != "words_test.go":
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// wordChecker finds words that the project does not use.
type wordChecker struct {
	words    []word
	patterns []*regexp.Regexp
	any      *regexp.Regexp // matches what any of the patterns matches
	verb     *regexp.Regexp
	camel    *regexp.Regexp
}

func newWordChecker() *wordChecker {
	c := &wordChecker{
		words: words(),
		verb:  regexp.MustCompile(`^([A-Za-z_]\w*) ([a-z]+)\b`),
		camel: regexp.MustCompile(`[A-Z]+[a-z0-9]*|[a-z0-9]+`),
	}
	var all []string
	for _, word := range c.words {
		all = append(all, word.pattern)
		c.patterns = append(c.patterns, regexp.MustCompile(`\b(`+word.pattern+`)\b`))
	}
	c.any = regexp.MustCompile(`\b(` + strings.Join(all, "|") + `)\b`)
	return c
}

// check returns a complaint for each word in a text that the project does not use.
func (c *wordChecker) check(place, text string) []string {
	file, _, _ := strings.Cut(place, ":")
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	if !c.any.MatchString(text) { // one pass instead of one for each pattern
		return nil
	}
	var found []string
	for i, pattern := range c.patterns {
		for _, match := range pattern.FindAllString(text, -1) {
			right := slices.ContainsFunc(c.words[i].but, func(but string) bool { return strings.Contains(match, but) })
			if !right && !slices.Contains(spokenIn()[file], match) {
				found = append(found, fmt.Sprintf("%s: %q; say: %s", place, match, c.words[i].instead))
			}
		}
	}
	return found
}

// goFile checks a Go file's comments, strings and the identifiers that it declares. Strings of tests are input.
func (c *wordChecker) goFile(t *testing.T, file string) []string {
	t.Helper()
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, file, nil, parser.ParseComments)
	if err != nil {
		t.Fatalf("cannot parse %s: %v", file, err)
	}
	if ast.IsGenerated(syntax) {
		return nil
	}
	place := func(node ast.Node) string { return fmt.Sprintf("%s:%d", file, set.Position(node.Pos()).Line) }
	var found []string
	for _, group := range syntax.Comments {
		found = append(found, c.check(place(group), group.Text())...)
	}
	ast.Inspect(syntax, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.FuncDecl:
			found = append(found, c.docComment(place(node), node.Name.Name, node.Doc)...)
		case *ast.BasicLit:
			if text, err := strconv.Unquote(node.Value); node.Kind == token.STRING && err == nil && !strings.HasSuffix(file, "_test.go") {
				found = append(found, c.check(place(node), text)...)
			}
		case *ast.Ident:
			found = append(found, c.check(place(node), strings.Join(c.camel.FindAllString(node.Name, -1), " "))...)
		}
		return true
	})
	slices.Sort(found)
	return slices.Compact(found)
}

// docComment checks the verb that follows the name in a function's comment.
func (c *wordChecker) docComment(place, name string, doc *ast.CommentGroup) []string {
	if doc == nil {
		return nil
	}
	match := c.verb.FindStringSubmatch(doc.Text())
	if match == nil || match[1] != name {
		return nil
	}
	if better, found := docVerbs()[match[2]]; found {
		return []string{fmt.Sprintf("%s: \"%s %s\"; say: %s", place, name, match[2], better)}
	}
	return nil
}

// textFile checks every line of a script or a page. Blocks of code in pages are checked, too: they show what users see.
func (c *wordChecker) textFile(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		found = append(found, c.check(fmt.Sprintf("%s:%d", file, number), lines.Text())...)
	}
	return found
}

// TestWordsAreFound checks that the checker finds what it looks for, and leaves alone what is right.
func TestWordsAreFound(t *testing.T) {
	t.Parallel()
	checker := newWordChecker()
	for text, want := range map[string]int{
		"in a folder": 1, "the Folders": 1, "in a directory": 0, "there is no host": 0, "the host is no node": 1, "it is no longer there": 0,
		"Nobody knows whoever it was": 2,
	} {
		if got := checker.check("x.go:1", text); len(got) != want {
			t.Errorf("%q: %v, want %d", text, got, want)
		}
	}
}
