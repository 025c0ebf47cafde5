// Command measure prints how a tree of Go code is built: the sizes of its files, functions and packages, how much of it is
// comments and tests, and how its packages depend on each other. Given several trees, it prints them side by side, so that
// the same program has counted both.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

func main() {
	trees := os.Args[1:]
	if len(trees) == 0 {
		trees = []string{"."}
	}
	log.SetFlags(0)
	if err := run(os.Stdout, trees); err != nil {
		log.Fatalf("measure: %v", err)
	}
}

// run measures the trees and writes one table, a column for each.
func run(w io.Writer, trees []string) error {
	columns := make([][]row, len(trees))
	header := make([]string, len(trees))
	for i, dir := range trees {
		code, err := readTree(dir)
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", dir, err)
		}
		columns[i] = code.rows()
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		header[i] = filepath.Base(absolute)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "MEASURE\t%s\n", strings.ToUpper(strings.Join(header, "\t")))
	for i, first := range columns[0] {
		values := make([]string, len(columns))
		for j, column := range columns {
			values[j] = column[i].value
		}
		fmt.Fprintf(table, "%s\t%s\n", first.name, strings.Join(values, "\t"))
	}
	return table.Flush()
}
