package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/keys"
	"github.com/dualstrap/dualstrap/provision/preflight"
	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/session"
)

// Exit codes of dualstrap. Scripts rely on them: they are documented, and never change their meaning.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitUsage       = 2   // wrong flags or arguments, or invalid manifests
	ExitHosts       = 3   // a host cannot be reached, or failed its checks
	ExitRefused     = 4   // the hosts or the cluster belong to something else, cannot be trusted, or another run changes them
	ExitUnproven    = 5   // the cluster differs from its manifests
	ExitInterrupted = 130 // 128 + SIGINT, as shells report it
)

// UsageError reports a mistake in the command line. The message is followed by a pointer to the command's help.
type UsageError struct{ Err error }

// Error implements error.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError with a message formatted as by [fmt.Errorf].
func Usagef(format string, args ...any) error {
	return &UsageError{Err: fmt.Errorf(format, args...)}
}

// InvalidError reports that the manifests are invalid. Their problems have already been printed, so the error holds only
// their number.
type InvalidError struct{ Errors int }

// Error implements error.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("the manifests have %s", plural.Of(e.Errors, "error"))
}

// ExitError reports that a command the user passed to dualstrap failed: its exit code becomes dualstrap's, and dualstrap
// prints nothing, since the command has printed its own error.
type ExitError struct{ Code int }

// Error implements error.
func (e *ExitError) Error() string { return fmt.Sprintf("the command ended with code %d", e.Code) }

// ExitCode returns the exit code of the process for the error that a command returned. No other code maps errors to exit
// codes. Where errors are joined, the first case that matches wins: an interruption explains all other errors, a refusal
// explains more than a proof that failed, and that more than a host that cannot be reached.
func ExitCode(err error) int {
	var usage *UsageError
	var invalid *InvalidError
	var checks *preflight.FailedChecksError
	var refused *refusal.Error
	var locked *session.LockedError
	var kubeconfig *session.KubeconfigError
	var keys *keys.FileError
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
