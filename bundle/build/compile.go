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

// compile builds a program from the given source files, below dir, and returns the path of the executable. The
// executable is static, so that it runs on any distribution, and alone in an image.
func compile(ctx context.Context, dir string, p program, files map[string][]byte) (string, error) {
	source, executable, temporary := filepath.Join(dir, "source"), filepath.Join(dir, "program"), filepath.Join(dir, "tmp")
	if err := writeSources(source, files); err != nil {
		return "", err
	}
	if err := os.Mkdir(temporary, 0o755); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", compileArguments(p, executable)...)
	cmd.Dir = source
	cmd.Env = append(goEnvironment(p.cgo), "GOTMPDIR="+temporary) // leftovers of a killed build are removed with the directory
	out, err := child.Output(cmd)
	// An interrupted build is not a failure of the compiler, although that was killed.
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", explain(p, out, err)
	}
	return executable, mustBeStatic(executable)
}

// compileArguments returns the arguments of the go command. Paths and VCS stamps are left out of the executable, so
// that equal sources produce equal bytes.
func compileArguments(p program, executable string) []string {
	linker := []string{"-s", "-w"}
	for _, variable := range p.variables {
		linker = append(linker, "-X", variable)
	}
	// Only runc needs cgo: a part of it is C, and so is libseccomp.
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

// mustBeStatic returns an error if an executable requests a dynamic loader.
func mustBeStatic(executable string) error {
	loader, err := elfdeps.Interpreter(executable)
	if err != nil {
		return err
	}
	if loader != "" {
		return fmt.Errorf("%s is not static: it requires %s", filepath.Base(executable), loader)
	}
	return nil
}
