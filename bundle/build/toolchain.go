package build

import (
	"context"
	"errors"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/bundle/build/child"
)

// toolchain is what compiles on this machine; another one gives other bytes.
type toolchain struct {
	goVersion string
	// goCache and moduleCache are Go's directories.
	goCache, moduleCache string
	// compiler is the C compiler's version and that of libseccomp, which runc links.
	compiler string
}

// findToolchain looks for Go and a C compiler. Scratch is an empty directory.
func findToolchain(ctx context.Context, scratch string) (toolchain, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return toolchain{}, &Error{
			What:     fmt.Sprintf("cannot build a bundle on %s/%s: bundles are for linux/amd64 and built there", runtime.GOOS, runtime.GOARCH),
			HintText: "build it on an amd64 Linux machine and copy the directory",
		}
	}
	tools, err := findGo(ctx, scratch)
	if err != nil {
		return tools, err
	}
	tools.compiler, err = findCompiler(ctx)
	return tools, err
}

// findGo asks for Go's version in a module like those of the pins: Go may fetch a newer toolchain
// for them than it is itself.
func findGo(ctx context.Context, scratch string) (toolchain, error) {
	cure := "install Go " + goLine + " or later from https://go.dev/dl and put it into PATH"
	if _, err := exec.LookPath("go"); err != nil {
		return toolchain{}, &Error{What: "Go is missing: programs of a bundle are built from source", HintText: cure}
	}
	if err := writeSources(scratch, map[string][]byte{"go.mod": []byte("module probe\n\ngo " + goLine + "\n")}); err != nil {
		return toolchain{}, err
	}
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOCACHE", "GOMODCACHE")
	cmd.Dir, cmd.Env = scratch, goEnvironment(false)
	out, err := child.Output(cmd)
	if ctx.Err() != nil {
		return toolchain{}, ctx.Err()
	}
	found := strings.Split(strings.TrimSpace(out), "\n")
	if err != nil || len(found) != 3 {
		return toolchain{}, &Error{What: "Go does not work, or is older than " + goLine + ": " + lastLines(out, 3), HintText: cure, Err: err}
	}
	name, _, _ := strings.Cut(found[0], " ") // experiments follow
	if version.IsValid(name) && version.Compare(name, "go"+goLine) < 0 {
		return toolchain{}, &Error{What: "Go is too old: it is " + found[0] + ", and the pinned modules need go" + goLine, HintText: cure}
	}
	return toolchain{goVersion: found[0], goCache: found[1], moduleCache: found[2]}, nil
}

// findCompiler looks for what runc is built with.
func findCompiler(ctx context.Context) (string, error) {
	var versions []string
	for _, asked := range [][]string{
		{"gcc", "-dumpfullversion"},
		{"pkg-config", "--modversion", "libseccomp"},
	} {
		out, err := child.Output(exec.CommandContext(ctx, asked[0], asked[1:]...)) //nolint:gosec // the list above
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err != nil {
			reason := lastLines(out, 1)
			if errors.Is(err, exec.ErrNotFound) {
				reason = asked[0] + " is missing"
			}
			return "", &Error{
				What:     "cannot build runc, which is partly C: " + reason,
				HintText: "apt-get install gcc libc6-dev libseccomp-dev pkg-config",
				Err:      err,
			}
		}
		versions = append(versions, asked[0]+" "+strings.TrimSpace(out))
	}
	return strings.Join(versions, ", "), nil
}

// goEnvironment is this process's, without what would change what go build makes.
func goEnvironment(cgo bool) []string {
	enabled := "0"
	if cgo {
		enabled = "1"
	}
	fixed := []string{
		"GOFLAGS=-mod=readonly", // not empty: that would let a file of go env set it
		"GOWORK=off", "GO111MODULE=on", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOEXPERIMENT=", "GODEBUG=", "GOEXE=",
		"CGO_ENABLED=" + enabled, "CC=gcc", "CGO_CFLAGS=-O2 -g", "CGO_CPPFLAGS=", "CGO_LDFLAGS=-O2 -g",
		"LC_ALL=C",
	}
	environment := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc(fixed, func(ours string) bool { return strings.HasPrefix(ours, name+"=") })
	})
	return append(environment, fixed...)
}
