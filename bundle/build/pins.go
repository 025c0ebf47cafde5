package build

import (
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// pins holds a go.mod and a go.sum for every module that bundles are built from. They are named mod and sum, because a
// directory with a file named go.mod is a module of its own, which cannot be embedded.
//
//go:embed pins
var pins embed.FS

// own holds the sources of dualstrap's own small programs, without their tests.
//
//go:embed pause/main.go hello/main.go hello/forge.go
var own embed.FS

// goLine is the Go version that every pin requires, and therefore the oldest version that can build bundles.
const goLine = "1.26.6"

// ownSources returns the source files of one of dualstrap's own programs.
func ownSources(name string) (map[string][]byte, error) {
	files := map[string][]byte{"go.mod": []byte("module " + name + "\n\ngo " + goLine + "\n")}
	entries, err := own.ReadDir(name)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if files[entry.Name()], err = own.ReadFile(path.Join(name, entry.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// sources returns the files that a program is built from, by name. They determine the build completely: go.sum has the
// checksums of all modules that they do not contain themselves.
func sources(p program) (map[string][]byte, error) {
	if p.origin == fromOwn {
		return ownSources(p.pin)
	}
	files := map[string][]byte{}
	for name, embedded := range map[string]string{"go.mod": "mod", "go.sum": "sum"} {
		content, err := pins.ReadFile(path.Join("pins", p.pin, embedded))
		if err != nil {
			return nil, fmt.Errorf("there is no pin for %s: %w", p.pin, err)
		}
		files[name] = content
	}
	return files, nil
}

// writeSources writes files to a directory, which it creates.
func writeSources(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
