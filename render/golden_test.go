package render

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files") //nolint:gochecknoglobals // a flag of the test binary

// compareGolden compares text with testdata/NAME, or writes it there if -update is set.
func compareGolden(tb testing.TB, name string, got []byte) {
	tb.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			tb.Fatalf("cannot write golden file: %v", err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			tb.Fatalf("cannot write golden file: %v", err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		tb.Fatalf("cannot read golden file, write it with -update: %v", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		tb.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}
