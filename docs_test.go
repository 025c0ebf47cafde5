package dualstrap_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/cmd"
)

func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func TestMain(m *testing.M) {
	flag.Bool("update", false, "rewrite the generated parts of the documentation")
	m.Run()
}

// compare checks that a documentation file has the given content. With -update, it rewrites the file instead.
func compare(t *testing.T, path string, want []byte) {
	t.Helper()
	if updating() {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not up to date, run make golden (-want +got):\n%s", path, diff)
	}
}

// run returns the standard output and standard error of a command line of the program, in the order of writing.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd.Main(args, strings.NewReader(""), &out, &out)
	return out.String()
}

// readmes returns the README in each of its languages.
func readmes() []string { return []string{"README.md", "README.ko.md"} }

// TestGoldenReadme checks that every command in a console block of a README is followed by its actual output.
func TestGoldenReadme(t *testing.T) {
	t.Parallel()
	for _, readme := range readmes() {
		t.Run(readme, func(t *testing.T) {
			t.Parallel()
			compareConsole(t, readme)
		})
	}
}

// compareConsole runs the commands of a page's console blocks and compares the page with their output.
func compareConsole(t *testing.T, page string) {
	t.Helper()
	const prompt, fence = "$ dualstrap ", "```"
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rendered := filepath.Join(t.TempDir(), "rendered")
	var want strings.Builder
	inOutput := false // inside the output that the page has now
	for line := range strings.Lines(string(source)) {
		command, shown := strings.CutPrefix(strings.TrimSuffix(line, "\n"), prompt)
		inOutput = inOutput && !shown && !strings.HasPrefix(line, fence)
		if !inOutput {
			want.WriteString(line)
		}
		if shown {
			inOutput = true
			output := run(t, strings.Fields(strings.ReplaceAll(command, "--output-dir rendered", "--output-dir "+rendered))...)
			want.WriteString(strings.ReplaceAll(output, rendered, "rendered"))
		}
	}
	compare(t, page, []byte(want.String()))
}

func TestGoldenPicture(t *testing.T) {
	t.Parallel()
	compare(t, "docs/address-plan.svg", []byte(run(t, "plan", "-f", "examples/dual-stack.yaml", "-o", "svg")))
}

func TestGoldenManifestsPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(`# Rules for manifests

dualstrap decodes every document strictly: an unknown field, a duplicate key or a value of the wrong type is an error
with its file, line and column. Then it evaluates the rules below. It reports all problems at once.

This page is generated from the program.

## Rules

| rule | requires | source |
|---|---|---|
`)
	for _, rule := range api.Rules() {
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", rule.Name, rule.Summary, rule.Source)
	}
	page.WriteString("\n## Ignored fields\n\ndualstrap ignores these fields and reports each one once, as a warning.\n")
	writeFields(&page, api.IgnoredFields)
	page.WriteString("\n## Refused fields\n\nThese fields would change how the cluster works in a way that dualstrap does not support.\n")
	writeFields(&page, api.RefusedFields)
	compare(t, "docs/manifests.md", []byte(page.String()))
}

func writeFields(page *strings.Builder, fieldsOf func(kind string) map[string]string) {
	page.WriteString("\n| document | field | reason |\n|---|---|---|\n")
	for _, kind := range []string{"", "Namespace", "Cluster", "NodePool", "ClusterCIDRConfig", "ProvisionOptions"} {
		fields := fieldsOf(kind)
		for _, path := range slices.Sorted(maps.Keys(fields)) {
			document := kind
			switch {
			case kind == "":
				document = "bmctl's header"
			case strings.HasPrefix(path, "metadata."), path == "status":
				if kind != "Cluster" {
					continue // these are the same for every kind
				}
				document = "every object"
			}
			fmt.Fprintf(page, "| %s | `%s` | %s |\n", document, path, fields[path])
		}
	}
}

// TestReadmeOptions checks that the options in the README are valid, all of them at once.
func TestReadmeOptions(t *testing.T) {
	t.Parallel()
	for _, path := range readmes() {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			checkOptions(t, path)
		})
	}
}

func checkOptions(t *testing.T, page string) {
	t.Helper()
	readme, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, options, found := strings.Cut(string(readme), "\n    apiVersion: dualstrap.dev/v1alpha1\n")
	options, _, ended := strings.Cut(options, "\n\n")
	if !found || !ended {
		t.Fatalf("%s has no ProvisionOptions", page)
	}
	example, err := os.ReadFile("examples/dual-stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	document := "---\napiVersion: dualstrap.dev/v1alpha1\n" + strings.ReplaceAll("\n"+options, "\n    ", "\n")[1:] + "\n"
	path := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(path, append(example, document...), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "check", "config", "-f", path); !strings.HasPrefix(got, "valid: ") {
		t.Errorf("check config says:\n%s", got)
	}
}
