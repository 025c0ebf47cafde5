package api_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

var update = flag.Bool("update", false, "rewrite the golden files") //nolint:gochecknoglobals // a flag of the test binary

// corpusFile is one manifest of testdata and the package's results for it.
type corpusFile struct {
	name     string
	golden   string
	config   *api.Config
	problems api.Problems
}

// readCorpus parses and resolves every manifest of a directory of testdata: a file, or a directory of files that
// belong together.
func readCorpus(tb testing.TB, dir string) []corpusFile {
	tb.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", dir))
	if err != nil {
		tb.Fatal(err)
	}
	var files []corpusFile
	for _, e := range entries {
		if !e.IsDir() && filepath.Ext(e.Name()) != ".yaml" {
			continue
		}
		path := filepath.Join("testdata", dir, e.Name())
		f := corpusFile{name: e.Name(), golden: strings.TrimSuffix(path, ".yaml") + ".golden"}
		f.config, f.problems = parseAndResolve(readSources(tb, path)...)
		files = append(files, f)
	}
	return files
}

// readSources reads a file, or all files of a directory.
func readSources(tb testing.TB, path string) []api.Source {
	tb.Helper()
	paths := []string{path}
	if filepath.Ext(path) == "" {
		paths, _ = filepath.Glob(filepath.Join(path, "*.yaml")) // the pattern is well-formed
	}
	var sources []api.Source
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			tb.Fatal(err)
		}
		sources = append(sources, api.Source{Name: filepath.Base(p), Data: data})
	}
	return sources
}

// parseAndResolve does the same with files as the commands.
func parseAndResolve(sources ...api.Source) (*api.Config, api.Problems) {
	manifests, problems := api.Parse(sources)
	config, more := api.Resolve(manifests)
	problems = append(problems, more...)
	problems.Sort()
	return config, problems
}

// withHints formats problems one per line, each with its hint below.
func withHints(problems api.Problems) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
		if p.Hint != "" {
			b.WriteString("    " + p.Hint + "\n")
		}
	}
	return b.String()
}

// compareGolden compares got with a golden file. A missing file is equivalent to an empty one.
func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		writeGolden(t, path, got)
		return
	}
	want, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func writeGolden(t *testing.T, path, content string) {
	t.Helper()
	if content == "" {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestHostileManifestCorpus tries the manifests of testdata/invalid. Each one breaks a rule, and its golden file names
// the rule.
func TestHostileManifestCorpus(t *testing.T) {
	t.Parallel()
	files := readCorpus(t, "invalid")
	if len(files) < 120 {
		t.Errorf("%d invalid files, want 120 or more", len(files))
	}
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			if !f.problems.HasErrors() {
				t.Error("no error")
			}
			compareGolden(t, f.golden, withHints(f.problems))
		})
	}
}

func TestCorpusValid(t *testing.T) {
	t.Parallel()
	files := readCorpus(t, "valid")
	if len(files) < 30 {
		t.Errorf("%d valid files, want 30 or more", len(files))
	}
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			if f.problems.HasErrors() || f.config == nil {
				t.Error("the file is refused")
			}
			compareGolden(t, f.golden, withHints(f.problems))
		})
	}
}

// TestCorpusCoversRules checks that every rule has a file that breaks it, and that every file breaks a known rule.
func TestCorpusCoversRules(t *testing.T) {
	t.Parallel()
	broken := map[string]bool{}
	for _, f := range append(readCorpus(t, "invalid"), readCorpus(t, "valid")...) {
		for _, p := range f.problems {
			broken[p.Rule] = true
		}
	}
	known := map[string]bool{}
	for _, r := range api.Rules() {
		if known[r.Name] {
			t.Errorf("rule %s is in the list twice", r.Name)
		}
		known[r.Name] = true
		if !broken[r.Name] {
			t.Errorf("rule %s is broken by no file of testdata", r.Name)
		}
		if r.Summary == "" || r.Source == "" {
			t.Errorf("rule %s has no summary or no source", r.Name)
		}
	}
}

// TestCorpusKeepsSecrets checks that no problem repeats a text that may be a secret, whatever field it was pasted
// into.
func TestCorpusKeepsSecrets(t *testing.T) {
	t.Parallel()
	for _, f := range readCorpus(t, "invalid") {
		for _, secret := range []string{"hunter2", "correcthorse", "BEGIN", "b3BlbnNzaC1", "id_rsa"} {
			if strings.Contains(withHints(f.problems), secret) {
				t.Errorf("%s: the problems contain %s", f.name, secret)
			}
		}
	}
}
