package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/dualstrap/dualstrap/lab/engine"
)

// Lab is a lab on this machine, whether it is up or not.
type Lab struct {
	Name      string
	Workspace Workspace
	// Cache is the directory that keeps the hosts' image between labs.
	Cache string
	// Step is told what happens, by several goroutines at a time.
	Step func(string)

	engine engine.Engine
}

// Error is a failure of which it is known what to do about it.
type Error struct {
	Err error
	// HintText is what to do.
	HintText string
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *Error) Hint() string { return e.HintText }

// New gives the lab of a name. It fails where there can be none: without root, or without a container
// engine.
func New(name, workspaceRoot string, step func(string)) (*Lab, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return nil, &Error{
			Err:      errors.New("cannot work on a lab: it needs root, for containers that run systemd and for the bridge between them"),
			HintText: "sudo dualstrap lab ...",
		}
	}
	workspace, err := NewWorkspace(workspaceRoot, name)
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, &Error{Err: fmt.Errorf("cannot find the cache for the hosts' image: %w", err), HintText: "set HOME or XDG_CACHE_HOME"}
	}
	return &Lab{Name: name, Workspace: workspace, Cache: filepath.Join(cache, "dualstrap", "lab"), Step: step}, nil
}

// findEngine chooses the machine's container engine: podman, or docker where it runs and podman is
// not there. The programs that are needed beside it are looked for, too.
func (l *Lab) findEngine(ctx context.Context, more map[string]string) error {
	if !has("podman") && dockerRuns(ctx) {
		l.engine = engine.Docker()
		return missing(more)
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	l.engine = engine.Podman(engine.Limits{Soft: files.Cur, Hard: files.Max})
	needs := map[string]string{"podman": "podman", "runc": "runc"}
	maps.Copy(needs, more)
	return missing(needs)
}

// missing says which programs are not there and which Debian packages have them.
func missing(needs map[string]string) error {
	var programs, packages []string
	for program, pkg := range needs {
		if !has(program) {
			programs = append(programs, program)
			packages = append(packages, pkg)
		}
	}
	if len(programs) == 0 {
		return nil
	}
	slices.Sort(programs)
	slices.Sort(packages)
	return &Error{
		Err:      fmt.Errorf("cannot work on a lab: these programs are missing: %s", strings.Join(programs, ", ")),
		HintText: "apt-get install " + strings.Join(packages, " "),
	}
}

func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

func dockerRuns(ctx context.Context) bool {
	_, err := engine.Docker().Run(ctx, "version")
	return err == nil
}
