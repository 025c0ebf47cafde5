package change

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/osfamily"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// packageBatch holds the packages that the host's package manager installs.
type packageBatch struct {
	family osfamily.Family
	// programs lists the executables that have to exist afterwards, names the packages that contain them.
	programs, names []string
}

// PackageError reports that missing programs could not be installed with the host's package manager.
type PackageError struct {
	// Programs lists the missing programs.
	Programs []string
	// Command is the command that installs them; empty if it is not known.
	Command string
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
	return "install them on the host, then run again" + strings.TrimSuffix(": "+e.Command, ": ")
}

// error returns a cause as a PackageError.
func (b packageBatch) error(cause error) *PackageError {
	return &PackageError{Programs: b.programs, Command: b.family.InstallCommand(b.names...), Err: cause}
}

// check returns an error if dualstrap cannot install the packages because it does not support the host's family.
func (b packageBatch) check() error {
	if len(b.programs) == 0 || b.family.IsSupported() {
		return nil
	}
	if b.family.Manager == "" {
		return b.error(errors.New("the host has no package manager that dualstrap knows"))
	}
	return b.error(fmt.Errorf("dualstrap does not install packages with %s", b.family.Manager))
}

// packages installs the missing packages. An error after the context has ended is returned as it is: the
// interruption is the cause then, not the package manager.
func (a *applier) packages(ctx context.Context) error {
	w := a.work.packages
	if len(w.programs) == 0 {
		return nil
	}
	install, err := script(w.family.Script(), "install packages "+strings.Join(w.names, " "), remote.Args{
		"packages": remote.Lines(w.names...), "programs": remote.Lines(w.programs...),
	}, "packages")
	if err != nil {
		return err
	}
	err = a.steps.do("install packages", func() error {
		_, err := a.host.Run(ctx, install)
		return err
	})
	if err != nil && ctx.Err() == nil {
		return w.error(err)
	}
	return err
}
