// Package loadtest loads the project's examples for tests.
package loadtest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/load"
)

// Read returns the content of a file of the directory examples.
func Read(tb testing.TB, name string) []byte {
	tb.Helper()
	_, here, _, _ := runtime.Caller(0)
	content, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../../examples", name))
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

// Example returns the cluster of an example.
func Example(tb testing.TB, name string) load.Cluster {
	tb.Helper()
	loaded := load.Manifests([]api.Source{{Name: name, Data: Read(tb, name)}})
	if loaded.Config == nil {
		tb.Fatal(loaded.Problems)
	}
	return loaded
}
