package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stream returns the JSON of events. Each line has an action and, separated by spaces, a test of package p and its output.
func stream(lines ...string) string {
	var events strings.Builder
	for _, line := range lines {
		action, rest, _ := strings.Cut(line, " ")
		test, output, _ := strings.Cut(rest, " ")
		fmt.Fprintf(&events, "{\"Action\":%q,\"Package\":%q,\"Test\":%q,\"Output\":%q}\n", action, module+"/p", test, output)
	}
	return events.String()
}

// passes returns the events of a package in which the tests pass.
func passes(tests ...string) string {
	var lines []string
	for _, test := range tests {
		lines = append(lines, "run "+test, "output "+test+" === RUN\n", "pass "+test)
	}
	return stream(append(lines, "output  PASS\n", "output  ok p 1s\n", "pass ")...)
}

// project creates a project with a package p of these tests and a page, and changes to its directory.
func project(t *testing.T, tests string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for path, content := range map[string]string{
		page: "before\n" + begin + "old\n" + end + "after\n", "p/p_test.go": "package p\n\n" + tests,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const twoTests = `// TestHostileAPIAnswers tries answers | of servers.
// More is not said.
func TestHostileAPIAnswers(t *testing.T) {}

// TestHostileFlags tries flags. And so on.
func TestHostileFlags(t *testing.T) {}

func TestOther(t *testing.T) {}
`

// TestTable checks the table of tests that passed: only subtests without subtests are counted.
func TestTable(t *testing.T) {
	project(t, twoTests)
	events := passes("TestHostileAPIAnswers", "TestHostileAPIAnswers/a", "TestHostileAPIAnswers/a/b", "TestHostileAPIAnswers/a/c",
		"TestHostileAPIAnswers/d", "TestHostileFlags", "TestHostileFlags/e/f", "TestOther", "TestOther/a")
	var out bytes.Buffer
	if err := run(strings.NewReader(events), &out, false); err == nil || !strings.Contains(err.Error(), "run make hostile") {
		t.Errorf("with another table the error is %v", err)
	}
	if out.String() != "ok p 1s\n" {
		t.Errorf("it prints %q", out.String())
	}
	for _, write := range []bool{true, false} {
		if err := run(strings.NewReader(events), &out, write); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n" + begin + `
| kind | what is tried | test | rows |
|---|---|---|---:|
| API answers | answers \| of servers | ` + "`TestHostileAPIAnswers` in `p`" + ` | 3 |
| flags | flags | ` + "`TestHostileFlags` in `p`" + ` | 1 |
| all | | 2 tests | 4 |

` + end + "after\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUncountedRows checks that nothing is counted, and nothing is written, unless all rows have been tried and passed.
func TestUncountedRows(t *testing.T) {
	const one = "// TestHostileFlags tries flags.\nfunc TestHostileFlags(t *testing.T) {}\n"
	row := []string{"run TestHostileFlags", "run TestHostileFlags/a"}
	for name, test := range map[string]struct{ tests, events, want string }{
		"failed": {
			one, stream(append(row, "output TestHostileFlags/a it hangs\n", "fail TestHostileFlags/a", "fail TestHostileFlags")...), "2 tests and",
		},
		"its package failed": {one, passes("TestHostileFlags", "TestHostileFlags/a") + stream("fail "), "1 tests and"},
		"skipped": {
			one, stream(append(row, "skip TestHostileFlags/a", "pass TestHostileFlags")...), "TestHostileFlags/a: skip: a test of bad input has",
		},
		"did not run": {one, passes("TestOther"), "TestHostileFlags did not run"},
		"no subtests": {one, passes("TestHostileFlags"), "TestHostileFlags has no subtests"},
		"no comment": {
			strings.TrimPrefix(one, "// TestHostileFlags tries flags.\n"), passes("TestHostileFlags"), `begin with "TestHostileFlags tries "`,
		},
		"no events": {one, "ok p 1s\n", "not what go test -json prints"},
	} {
		t.Run(name, func(t *testing.T) {
			project(t, test.tests)
			var out bytes.Buffer
			if err := run(strings.NewReader(test.events), &out, true); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if name == "failed" && out.String() != "it hangs\n" {
				t.Errorf("of the failure it prints %q", out.String())
			}
			if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "old") {
				t.Errorf("the page is written: %q, %v", text, err)
			}
		})
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for test, want := range map[string]string{
		"TestHostileAPIAnswers": "API answers", "TestHostileYAML": "YAML", "TestHostileSSHServers": "SSH servers", "TestHostileX": "x",
	} {
		if got := (kind{test: test}).title(); got != want {
			t.Errorf("%s: %q, want %q", test, got, want)
		}
	}
}
