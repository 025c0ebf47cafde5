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
	flag.Bool("update", false, "rewrite what is generated in the documentation")
	os.Exit(m.Run()) //nolint:forbidigo // it is what a test's main does
}

// compare holds a documentation file to what it should say, or rewrites it.
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

// run gives what a command line of the program prints, both streams.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd.Main(args, strings.NewReader(""), &out, &out)
	return out.String()
}

// Every command that the README shows in a console block is followed by what it really prints.
func TestGoldenReadme(t *testing.T) {
	t.Parallel()
	const prompt, fence = "$ dualstrap ", "```"
	source, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rendered := filepath.Join(t.TempDir(), "rendered")
	var want strings.Builder
	inOutput := false // what was printed when the README was written
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
	compare(t, "README.md", []byte(want.String()))
}

func TestGoldenPicture(t *testing.T) {
	t.Parallel()
	compare(t, "docs/address-plan.svg", []byte(run(t, "plan", "-f", "examples/dual-stack.yaml", "-o", "svg")))
}

func TestGoldenManifestsPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(`# What manifests have to keep

Every document is decoded strictly: an unknown field, a duplicate key or a value of the wrong type is an error with
its file, line and column. Then the rules below apply. All problems are reported at once. This page is generated from
the program.

## Rules

| rule | says | from |
|---|---|---|
`)
	for _, rule := range api.Rules() {
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", rule.Name, rule.Summary, rule.Source)
	}
	page.WriteString("\n## Ignored fields\n\nThey mean nothing to dualstrap; each is reported once, as a warning.\n")
	writeFields(&page, api.IgnoredFields)
	page.WriteString("\n## Refused fields\n\nThey would change what the cluster does, and dualstrap does not build that.\n")
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
					continue // the same for every kind
				}
				document = "every object"
			}
			fmt.Fprintf(page, "| %s | `%s` | %s |\n", document, path, fields[path])
		}
	}
}

// The options that the README shows are valid, all of them at once.
func TestReadmeOptions(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, options, found := strings.Cut(string(readme), "\n    apiVersion: dualstrap.dev/v1alpha1\n")
	options, _, ended := strings.Cut(options, "\n\n")
	if !found || !ended {
		t.Fatal("the README shows no ProvisionOptions")
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
