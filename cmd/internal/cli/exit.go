package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/provision/proof"
)

// Exit codes, a contract with scripts.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitUsage       = 2 // wrong flags or arguments, or invalid manifests
	ExitHosts       = 3 // a host cannot be reached, or failed its checks
	ExitRefused     = 4 // the hosts or the cluster belong to something else, cannot be trusted, or another run changes them
	ExitUnproven    = 5 // the cluster is not what its manifests say
	ExitInterrupted = 130
)

// UsageError is a command line that makes no sense; the command's usage helps.
type UsageError struct{ Err error }

// Error implements error.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{Err: fmt.Errorf(format, args...)}
}

// InvalidError says that manifests are invalid and that the user has already been told why.
type InvalidError struct{ Errors int }

// Error implements error.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("the manifests have %s", plural.Of(e.Errors, "error"))
}

// ExitError is a command that a user named and that failed by itself: its exit code becomes ours.
type ExitError struct{ Code int }

// Error implements error.
func (e *ExitError) Error() string { return fmt.Sprintf("the command ended with code %d", e.Code) }

// ExitCode maps what a command returned to the process's exit code. It is the only place that does.
func ExitCode(err error) int {
	var usage *UsageError
	var invalid *InvalidError
	var checks *provision.FailedChecksError
	var refused *provision.RefusedError
	var locked *provision.LockedError
	var kubeconfig *provision.KubeconfigError
	var keys *provision.KeyFileError
	var unproven *proof.UnprovenError
	var ended *ExitError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &ended):
		return ended.Code
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &usage), errors.As(err, &invalid):
		return ExitUsage
	case errors.As(err, &refused), errors.As(err, &locked), errors.As(err, &kubeconfig), errors.As(err, &keys):
		return ExitRefused
	case errors.As(err, &unproven):
		return ExitUnproven
	case errors.As(err, &checks), errors.Is(err, remote.ErrUnreachable):
		return ExitHosts
	default:
		return ExitFailure
	}
}
