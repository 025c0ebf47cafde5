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

// Lab is a lab on this machine, which may or may not be up.
type Lab struct {
	// Name is part of the names of hosts, containers and volumes.
	Name string
	// Workspace holds the files for the user: manifests, key and known_hosts.
	Workspace Workspace
	// Cache is the directory that keeps the hosts' image across labs. Its lock serializes changes of all labs.
	Cache string
	// Step is called at the beginning of each step, concurrently by several goroutines.
	Step func(string)

	// engine is set by findEngine, which every method that needs it calls first.
	engine engine.Engine
}

// Error is an error with a hint.
type Error struct {
	// Err is the cause, whose text is the error's text.
	Err error
	// HintText tells the user what to do.
	HintText string
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what the user can do about the error.
func (e *Error) Hint() string { return e.HintText }

// New returns the lab of the given name. It fails without root. The container engine is only looked for when it is needed.
func New(name, workspaceRoot string, step func(string)) (*Lab, error) {
	// Checking the name first keeps a path out of the workspace's name.
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

// findEngine selects the container engine: podman, or docker if its daemon runs and podman is not installed. more maps
// further programs that the caller needs to their Debian packages. Missing programs are an error.
func (l *Lab) findEngine(ctx context.Context, more map[string]string) error {
	if !has("podman") && dockerRuns(ctx) {
		l.engine = engine.Docker()
		return missing(more)
	}
	// Hosts get this process's own limits, which are known to be permitted; see [engine.Limits].
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	l.engine = engine.Podman(engine.Limits{Soft: files.Cur, Hard: files.Max})
	needs := map[string]string{"podman": "podman", "runc": "runc"}
	maps.Copy(needs, more)
	return missing(needs)
}

// missing returns an error that lists the missing programs and their Debian packages, or nil.
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

// has reports whether a program is in PATH.
func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// dockerRuns reports whether docker is installed and its daemon answers.
func dockerRuns(ctx context.Context) bool {
	_, err := engine.Docker().Run(ctx, "version")
	return err == nil
}
