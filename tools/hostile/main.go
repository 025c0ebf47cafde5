// Command hostile counts the bad inputs that tests have tried, and compares the table of them in docs/security.md with the
// counts. It reads the output of go test -json from standard input, and prints the part of it that go test prints without
// -json:
//
//	go test -json ./... | go run ./tools/hostile [-write]
//
// Tests of bad input are those named TestHostile and a kind of input. Each of their subtests without subtests of its own
// counts as one bad input, a row. The command fails if any test failed, if a test of bad input was skipped, did not run or
// has no rows, and if the table differs from the counts. With -write it updates the table instead.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
)

// The page with the table, and the lines before and after the table in it.
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

// run is main with its inputs as arguments. It expects the working directory to be the root of the project.
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
		return os.WriteFile(page, []byte(text), 0o644) // the page is public
	default:
		return fmt.Errorf("the table of bad inputs in %s differs from what the tests have tried: run make hostile, and read the difference", page)
	}
}

// table returns the table of kinds in Markdown, with a row for their sum.
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

// fill replaces the text between the lines begin and end of a page with the table. It returns an error if one is missing.
func fill(text, table string) (string, error) {
	before, rest, begins := strings.Cut(text, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", fmt.Errorf("%s lacks the lines around the table of bad inputs: %s%s", page, begin, end)
	}
	return before + begin + table + end + after, nil
}
