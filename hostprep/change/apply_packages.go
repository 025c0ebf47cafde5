package change

import (
	"context"
	"fmt"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// dnf is one of the two supported package managers; the other one is apt-get.
const dnf = "dnf"

// packageBatch holds the packages that the host's package manager installs.
type packageBatch struct {
	// manager is apt-get, dnf, or empty where the host has neither.
	manager string
	// programs lists the executables that have to exist afterwards, names the packages that contain them.
	programs, names []string
}

// PackageError reports that missing programs could not be installed with the host's package manager.
type PackageError struct {
	// Manager is apt-get, dnf, or empty where the host has neither.
	Manager string
	// Programs lists the missing programs, Packages the packages that contain them.
	Programs, Packages []string
	// Err is the cause.
	Err error
}

// Error implements error.
func (e *PackageError) Error() string {
	return fmt.Sprintf("cannot install %s: %v", strings.Join(e.Programs, ", "), e.Err)
}

// Unwrap returns the cause.
func (e *PackageError) Unwrap() error { return e.Err }

// Hint returns what the user can do about the error, in one line.
func (e *PackageError) Hint() string {
	if e.Manager == "" {
		return "install these programs on the host manually; dualstrap only supports apt-get and dnf"
	}
	return fmt.Sprintf("install them on the host, then run again: %s install %s", e.Manager, strings.Join(e.Packages, " "))
}

// packages installs the missing packages. An error after the context has ended is returned as it is: the
// interruption is the cause then, not the package manager.
func (a *applier) packages(ctx context.Context) error {
	w := a.work.packages
	if len(w.programs) == 0 {
		return nil
	}
	name := "install packages " + strings.Join(w.names, " ")
	err := a.steps.do("install packages", func() error {
		return run(ctx, a.host, name, "packages", remote.Args{
			"manager": w.manager, "packages": remote.Lines(w.names...), "programs": remote.Lines(w.programs...),
		})
	})
	if err != nil && ctx.Err() == nil {
		return &PackageError{Manager: w.manager, Programs: w.programs, Packages: w.names, Err: err}
	}
	return err
}
