package main

import (
	"fmt"
	"slices"
	"strings"
)

// row is one line of the table.
type row struct{ name, value string }

// rows returns the measures of a tree, in the order of the table. Production code counts unless a row says otherwise.
func (t *tree) rows() []row {
	var code, tests []file
	for _, f := range t.files {
		if f.test {
			tests = append(tests, f)
		} else {
			code = append(code, f)
		}
	}
	functions := functionsOf(code)
	lengths := each(functions, func(f function) int { return f.lines })
	complexities := each(functions, func(f function) int { return f.complexity })
	packages := t.production()
	return slices.Concat([]row{
		{"files, lines", fmt.Sprintf("%d, %d", len(code), sum(code, lineCount))},
		{"lines of a file: median, p90, max", quantiles(each(code, lineCount), 50, 90, 100)},
		{"functions; lines of one: median, p90, p99, max", fmt.Sprintf("%d; %s", len(functions), quantiles(lengths, 50, 90, 99, 100))},
		{"functions of more than 60 lines", fmt.Sprint(above(lengths, 60))},
		{"complexity: p99, max; above 12", fmt.Sprintf("%s; %d", quantiles(complexities, 99, 100), above(complexities, 12))},
		{"functions with more than 5 parameters", fmt.Sprint(above(each(functions, func(f function) int { return f.parameters }), 5))},
		{"comments: share of the lines that are not empty", share(sum(code, commentLines), sum(code, commentLines)+sum(code, codeLines))},
	}, testRows(code, tests), packageRows(packages), []row{
		{"modules required: direct, indirect", fmt.Sprintf("%d, %d", t.direct, t.indirect)},
	})
}

// testRows compare tests with what they test. The quick ones are those that need no root, no network and no real program.
func testRows(code, tests []file) []row {
	quick := slices.DeleteFunc(slices.Clone(tests), func(f file) bool { return f.integration })
	orchestration := func(files []file) []file {
		return slices.DeleteFunc(slices.Clone(files), func(f file) bool { return !strings.HasPrefix(f.path, "provision/") })
	}
	return []row{
		{"tests to code: all, quick ones", ratios(code, tests, quick)},
		{"tests to code of provision: all, quick ones", ratios(orchestration(code), orchestration(tests), orchestration(quick))},
	}
}

// packageRows describe packages and how they import each other.
func packageRows(packages map[string]*pkg) []row {
	var files, lines, exports []int
	undocumented, untested, bare := 0, 0, 0
	importers := map[string]int{}
	most := 0
	for _, p := range packages {
		files, lines, exports = append(files, p.files), append(lines, p.lines), append(exports, p.exports)
		bare += p.undocumented
		if !p.documented {
			undocumented++
		}
		if !p.tested {
			untested++
		}
		most = max(most, len(p.imports))
		for imported := range p.imports {
			importers[imported]++
		}
	}
	imported := 0
	for _, count := range importers {
		imported = max(imported, count)
	}
	return []row{
		{"packages; without doc; without tests", fmt.Sprintf("%d; %d; %d", len(packages), undocumented, untested)},
		{"exports: median, max of a package; without comment", fmt.Sprintf("%s; %d", quantiles(exports, 50, 100), bare)},
		{"files of a package: median, max", quantiles(files, 50, 100)},
		{"lines of a package: median, max", quantiles(lines, 50, 100)},
		{"packages that import one, that one imports: max", fmt.Sprintf("%d, %d", imported, most)},
	}
}

// production returns the packages that have code beside tests.
func (t *tree) production() map[string]*pkg {
	found := map[string]*pkg{}
	for dir, p := range t.packages {
		if p.files > 0 {
			found[dir] = p
		}
	}
	return found
}

func functionsOf(files []file) []function {
	var all []function
	for _, f := range files {
		all = append(all, f.functions...)
	}
	return all
}

func lineCount(f file) int    { return f.lines }
func codeLines(f file) int    { return f.code }
func commentLines(f file) int { return f.comments }

func each[T any](items []T, value func(T) int) []int {
	values := make([]int, len(items))
	for i, item := range items {
		values[i] = value(item)
	}
	return values
}

func sum(files []file, value func(file) int) int {
	total := 0
	for _, f := range files {
		total += value(f)
	}
	return total
}

func above(values []int, limit int) int {
	count := 0
	for _, value := range values {
		if value > limit {
			count++
		}
	}
	return count
}

// quantiles returns percentiles of values, as in "10, 24"; 100 is the greatest.
func quantiles(values []int, percents ...int) string {
	if len(values) == 0 {
		return "-"
	}
	slices.Sort(values)
	texts := make([]string, len(percents))
	for i, percent := range percents {
		texts[i] = fmt.Sprint(values[(len(values)-1)*percent/100])
	}
	return strings.Join(texts, ", ")
}

// ratios returns how many lines all tests and the quick ones have for each line of code.
func ratios(code, tests, quick []file) string {
	lines := float64(max(sum(code, lineCount), 1))
	return fmt.Sprintf("%.2f, %.2f", float64(sum(tests, lineCount))/lines, float64(sum(quick, lineCount))/lines)
}

func share(part, whole int) string {
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(max(whole, 1)))
}
