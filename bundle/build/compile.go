package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dualstrap/dualstrap/bundle/build/child"
	"github.com/dualstrap/dualstrap/bundle/elfdeps"
)

// compile builds a program from source in a directory and gives the path of the executable, which is
// static: it runs on any distribution, and alone in an image.
func compile(ctx context.Context, dir string, p program, files map[string][]byte) (string, error) {
	source, executable, temporary := filepath.Join(dir, "source"), filepath.Join(dir, "program"), filepath.Join(dir, "tmp")
	if err := writeSources(source, files); err != nil {
		return "", err
	}
	if err := os.Mkdir(temporary, 0o755); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", compileArguments(p, executable)...) //nolint:gosec // from the list of components
	cmd.Dir = source
	cmd.Env = append(goEnvironment(p.cgo), "GOTMPDIR="+temporary) // a killed build's are cleared with the directory
	out, err := child.Output(cmd)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", explain(p, out, err)
	}
	return executable, mustBeStatic(executable)
}

func compileArguments(p program, executable string) []string {
	linker := []string{"-s", "-w"}
	for _, variable := range p.variables {
		linker = append(linker, "-X", variable)
	}
	if p.cgo {
		linker = append(linker, "-extldflags", "-static")
	}
	pkg := p.pkg
	if pkg == "" {
		pkg = "."
	}
	return []string{
		"build", "-trimpath", "-buildvcs=false", "-tags", p.tags, "-ldflags", strings.Join(linker, " "), "-o", executable, pkg,
	}
}

func mustBeStatic(executable string) error {
	loader, err := elfdeps.Interpreter(executable)
	if err != nil {
		return err
	}
	if loader != "" {
		return fmt.Errorf("%s is not static: it asks for %s", filepath.Base(executable), loader)
	}
	return nil
}
