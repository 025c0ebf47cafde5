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

// toolchain describes the compilers of this machine. Another toolchain produces other bytes, so it is part of keys.
type toolchain struct {
	goVersion string
	// goCache and moduleCache are Go's cache directories, GOCACHE and GOMODCACHE.
	goCache, moduleCache string
	// compiler has the versions of the C compiler and of libseccomp, which runc is linked with.
	compiler string
}

// findToolchain finds Go and a C compiler. scratch is an empty directory.
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

// findGo determines Go's version inside a module like those of the pins, for which Go may download a newer toolchain
// than itself.
func findGo(ctx context.Context, scratch string) (toolchain, error) {
	hint := "install Go " + goLine + " or later from https://go.dev/dl and put it into PATH"
	if _, err := exec.LookPath("go"); err != nil {
		return toolchain{}, &Error{What: "Go is missing: programs of a bundle are built from source", HintText: hint}
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
		return toolchain{}, &Error{What: "Go does not work, or is older than " + goLine + ": " + lastLines(out, 3), HintText: hint, Err: err}
	}
	name, _, _ := strings.Cut(found[0], " ") // names of experiments follow the version
	if version.IsValid(name) && version.Compare(name, "go"+goLine) < 0 {
		return toolchain{}, &Error{What: "Go is too old: it is " + found[0] + ", and the pinned modules need go" + goLine, HintText: hint}
	}
	return toolchain{goVersion: found[0], goCache: found[1], moduleCache: found[2]}, nil
}

// findCompiler determines the versions of the C compiler and library that runc is built with.
func findCompiler(ctx context.Context) (string, error) {
	var versions []string
	// The file that pkg-config looks for belongs to libseccomp-dev, so a missing package is reported before the build.
	for _, asked := range [][]string{
		{"gcc", "-dumpfullversion"},
		{"pkg-config", "--modversion", "libseccomp"},
	} {
		out, err := child.Output(exec.CommandContext(ctx, asked[0], asked[1:]...))
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

// goEnvironment returns this process's environment, with fixed values for all variables that affect the output of go
// build.
func goEnvironment(cgo bool) []string {
	enabled := "0"
	if cgo {
		enabled = "1"
	}
	fixed := []string{
		"GOFLAGS=-mod=readonly", // an empty value would let the file of go env apply
		"GOWORK=off", "GO111MODULE=on", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOEXPERIMENT=", "GODEBUG=", "GOEXE=",
		"CGO_ENABLED=" + enabled, "CC=gcc", "CGO_CFLAGS=-O2 -g", "CGO_CPPFLAGS=", "CGO_LDFLAGS=-O2 -g",
		"LC_ALL=C",
	}
	// Other variables are kept: GOPROXY, GOCACHE, proxies and credentials are for the user to decide.
	environment := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc(fixed, func(ours string) bool { return strings.HasPrefix(ours, name+"=") })
	})
	return append(environment, fixed...)
}
