package change

import (
	"context"
	"fmt"
	"strings"
)

// dnf is one of two package managers; the other one is apt-get.
const dnf = "dnf"

// packageBatch is what the host's package manager has to install.
type packageBatch struct {
	manager         string
	programs, names []string
}

// PackageError says that the host's package manager did not bring what is missing.
type PackageError struct {
	// Manager is apt-get, dnf, or empty where there is neither.
	Manager string
	// Programs are missing, and Packages have them.
	Programs, Packages []string
	Err                error
}

// Error implements error.
func (e *PackageError) Error() string {
	return fmt.Sprintf("cannot install %s: %v", strings.Join(e.Programs, ", "), e.Err)
}

// Unwrap gives the cause.
func (e *PackageError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *PackageError) Hint() string {
	if e.Manager == "" {
		return "install these programs on the host by hand; dualstrap knows apt-get and dnf"
	}
	return fmt.Sprintf("install them on the host, then run again: %s install %s", e.Manager, strings.Join(e.Packages, " "))
}

func (a *applier) packages(ctx context.Context) error {
	w := a.work.packages
	if len(w.programs) == 0 {
		return nil
	}
	name := "install packages " + strings.Join(w.names, " ")
	err := a.run(ctx, name, "packages", w.manager, strings.Join(w.names, "\n"), strings.Join(w.programs, "\n"))
	if err != nil && ctx.Err() == nil {
		return &PackageError{Manager: w.manager, Programs: w.programs, Packages: w.names, Err: err}
	}
	return err
}
