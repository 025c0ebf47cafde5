// Command hostile counts the bad inputs that tests have tried, and holds their table in docs/security.md to what it
// counted. It reads what go test -json prints, from standard input, and prints of it what go test prints without -json:
//
//	go test -json ./... | go run ./tools/hostile [-write]
//
// Tests of bad input are those called TestHostile and a kind; every subtest of theirs that has no subtests is one bad
// input, a row. It fails when a test has failed, when one of these was skipped, did not run or has no row, and, unless
// it may write the table, when the table is another.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
)

const (
	page  = "docs/security.md"
	begin = "<!-- what follows is counted by tools/hostile: run make hostile -->\n"
	end   = "<!-- here it ends -->\n"
)

func main() {
	write := flag.Bool("write", false, "write the table into "+page)
	flag.Parse()
	log.SetFlags(0)
	if err := run(os.Stdin, os.Stdout, *write); err != nil {
		log.Fatalf("hostile: %v", err)
	}
}

// run works in the project's root.
func run(events io.Reader, out io.Writer, write bool) error {
	ran, err := readEvents(events, out)
	if err != nil {
		return err
	}
	kinds, err := findKinds(".")
	if err != nil {
		return err
	}
	if err := count(kinds, ran); err != nil {
		return err
	}
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	text, err := fill(string(old), table(kinds))
	switch {
	case err != nil:
		return err
	case text == string(old):
		return nil
	case write:
		return os.WriteFile(page, []byte(text), 0o644) //nolint:gosec // it is for everybody
	default:
		return fmt.Errorf("the table of bad inputs in %s is not what the tests have tried: run make hostile, and read the difference", page)
	}
}

// table writes kinds in Markdown, with their sum.
func table(kinds []kind) string {
	var text strings.Builder
	text.WriteString("\n| kind | what is tried | test | rows |\n|---|---|---|---:|\n")
	sum := 0
	for _, k := range kinds {
		sum += k.rows
		fmt.Fprintf(&text, "| %s | %s | `%s` in `%s` | %d |\n", k.title(), strings.ReplaceAll(k.tries, "|", `\|`), k.test, k.dir, k.rows)
	}
	fmt.Fprintf(&text, "| all | | %d tests | %d |\n\n", len(kinds), sum)
	return text.String()
}

// fill puts a table between the marks of a page.
func fill(text, table string) (string, error) {
	before, rest, begins := strings.Cut(text, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", fmt.Errorf("%s lacks the lines between which the table of bad inputs stands: %s%s", page, begin, end)
	}
	return before + begin + table + end + after, nil
}
