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

// apt is apt-get with a state of its own, in which nothing is installed.
type apt struct{ scratch string }

func newApt(scratch string) (*apt, error) {
	for _, program := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, &Error{
				Reason: program + " is missing: nftables, HAProxy and keepalived come from Debian's packages",
				Cure:   "build the bundle on a Debian 12 machine; it runs on hosts of any distribution",
			}
		}
	}
	if err := os.MkdirAll(filepath.Join(scratch, "archives", "partial"), 0o755); err != nil {
		return nil, err
	}
	return &apt{scratch: scratch}, os.WriteFile(filepath.Join(scratch, "status"), nil, 0o644)
}

// run runs apt-get and gives its standard output.
func (a *apt) run(ctx context.Context, args ...string) (string, error) {
	options := []string{
		"-o", "Dir::State::status=" + filepath.Join(a.scratch, "status"),
		"-o", "Dir::Cache::archives=" + filepath.Join(a.scratch, "archives"),
		"-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=",
		"-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User=root",
		"-o", "Acquire::Retries=3", "--no-install-recommends", "--yes",
	}
	cmd := exec.CommandContext(ctx, "apt-get", append(options, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	if err := child.Run(cmd); err != nil {
		return "", explain(ctx, err, failure.String())
	}
	return out.String(), nil
}

// Error is why packages could not be had.
type Error struct{ Reason, Cure string }

// Error implements error.
func (e *Error) Error() string { return "cannot get the distribution's packages: " + e.Reason }

// Hint says what to do.
func (e *Error) Hint() string { return e.Cure }

// explain makes an error of what apt-get complained about.
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
		Reason: "apt-get: " + strings.Join(lines, "; "),
		Cure:   "run apt-get update as root, and look whether apt-get itself works",
	}
}

// Unpack downloads the packages, which apt verifies, and unpacks them into a folder. Scratch is
// where the downloads go. The packages that apt resolves now must be the closure.
func Unpack(ctx context.Context, scratch, dir string, packages []string, closure Closure) error {
	apt, err := newApt(scratch)
	if err != nil {
		return err
	}
	if _, err := apt.run(ctx, append([]string{"-qq", "--download-only", "install"}, packages...)...); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, file := range closure {
		archive := filepath.Join(scratch, "archives", file)
		if _, err := os.Stat(archive); errors.Is(err, os.ErrNotExist) {
			return &Error{Reason: file + " was not downloaded: the package lists changed meanwhile", Cure: "run the same command again"}
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
