package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dualstrap/dualstrap/bundle/build/child"
)

// apt runs apt-get with its own state, in which no package is installed.
type apt struct{ scratch string }

// newApt creates the state in a new directory, which close removes. The directory is not in the cache: apt downloads as
// another user, who may not have access to root's home directory.
func newApt() (*apt, error) {
	for _, program := range []string{"apt-get", "apt-config", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, &Error{
				Reason:   program + " is missing: nftables, HAProxy and keepalived come from Debian's packages",
				HintText: "build the bundle on a Debian 12 machine; it runs on hosts of any distribution",
			}
		}
	}
	scratch, err := os.MkdirTemp("", "dualstrap-apt-")
	if err != nil {
		return nil, err
	}
	a := &apt{scratch: scratch}
	err = errors.Join(
		os.Chmod(scratch, 0o755), // see above; the directory contains public packages
		os.MkdirAll(filepath.Join(scratch, "archives", "partial"), 0o755),
		os.MkdirAll(filepath.Join(scratch, "unsigned", "partial"), 0o755),
		// An empty status file: no package counts as installed, so dependencies are downloaded too.
		os.WriteFile(filepath.Join(scratch, "status"), nil, 0o644),
	)
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

// close removes the state.
func (a *apt) close() error { return os.RemoveAll(a.scratch) }

// run runs apt-get and returns its standard output. The options refuse packages that are not signed, whatever the
// machine's configuration says.
func (a *apt) run(ctx context.Context, args ...string) (string, error) {
	var options []string
	for _, option := range []string{
		"Dir::State::status=" + filepath.Join(a.scratch, "status"),
		"Dir::Cache::archives=" + filepath.Join(a.scratch, "archives"),
		"Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=", "Debug::NoLocking=true", "Acquire::Retries=3",
		"APT::Get::AllowUnauthenticated=false", "APT::Get::Force-Yes=false", "APT::Authentication::TrustCDROM=false",
		"Acquire::AllowInsecureRepositories=false", "Acquire::AllowWeakRepositories=false",
		"Acquire::AllowDowngradeToInsecureRepositories=false",
	} {
		options = append(options, "-o", option)
	}
	return runApt(ctx, "apt-get", append(options, args...)...)
}

// runApt runs a program of apt and returns its standard output.
func runApt(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	// Messages of apt become part of errors, which are in English.
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	if err := child.Run(cmd); err != nil {
		return "", explain(ctx, err, failure.String())
	}
	return out.String(), nil
}

// install runs apt-get install with an option that makes it download packages, or print their URIs, and install
// nothing.
func (a *apt) install(ctx context.Context, how string, packages []string) (string, error) {
	return a.run(ctx, append([]string{"--no-install-recommends", "--yes", "-qq", how, "install"}, packages...)...)
}

// Error reports why packages are not available, with a hint about the remedy.
type Error struct{ Reason, HintText string }

// Error implements error.
func (e *Error) Error() string { return "cannot get the distribution's packages: " + e.Reason }

// Hint returns the remedy.
func (e *Error) Hint() string { return e.HintText }

// explain returns an error that describes the messages of apt-get.
func explain(ctx context.Context, err error, complaint string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var lines []string
	for line := range strings.Lines(complaint) {
		if strings.HasPrefix(line, "E: ") && len(lines) < 5 {
			lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, "E: ")))
		}
	}
	if len(lines) == 0 {
		lines = []string{err.Error()}
	}
	return &Error{
		Reason:   "apt-get: " + strings.Join(lines, "; "),
		HintText: "run apt-get update as root, and check whether apt-get itself works",
	}
}

// Unpack downloads the packages, which apt verifies, and unpacks them into a directory. It fails if apt now resolves
// the packages to something other than the closure.
func Unpack(ctx context.Context, dir string, packages []string, closure Closure) (err error) {
	apt, err := newApt()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, apt.close()) }()
	if _, err := apt.resolve(ctx, packages); err != nil { // refuses unsigned sources
		return err
	}
	if _, err := apt.install(ctx, "--download-only", packages); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, file := range closure {
		archive := filepath.Join(apt.scratch, "archives", file)
		if _, err := os.Stat(archive); errors.Is(err, os.ErrNotExist) {
			return &Error{Reason: file + " was not downloaded: the package lists changed meanwhile", HintText: "run the same command again"}
		}
		out, err := child.Output(exec.CommandContext(ctx, "dpkg-deb", "--extract", archive, dir))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("cannot unpack %s: %w: %s", file, err, strings.TrimSpace(out))
		}
	}
	return nil
}
