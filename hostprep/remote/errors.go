package remote

import (
	"errors"
	"fmt"
	"strings"
)

// Reasons of an [Error]. Use errors.Is to test for them.
var (
	// ErrUnreachable matches every [Error]: the host cannot be worked on, whatever the reason.
	ErrUnreachable = errors.New("host unreachable")

	// ErrNoRoute reports a host that does not answer: no route, an unknown name, or a timeout.
	ErrNoRoute = errors.New("no answer")
	// ErrRefused reports a host on which nothing listens at the port.
	ErrRefused = errors.New("connection refused")
	// ErrHostKeyUnknown reports a host that known_hosts does not list.
	ErrHostKeyUnknown = errors.New("host key unknown")
	// ErrHostKeyChanged reports a host whose key differs from the one in known_hosts.
	ErrHostKeyChanged = errors.New("host key changed")
	// ErrHostKeyRevoked reports a host with a key that known_hosts revokes.
	ErrHostKeyRevoked = errors.New("host key revoked")
	// ErrAuthentication reports a host that accepts none of the user's keys.
	ErrAuthentication = errors.New("authentication failed")
	// ErrSudo reports a host on which the user cannot become root.
	ErrSudo = errors.New("sudo refused")
	// ErrConnectionLost reports a connection that was closed or whose other side went silent.
	ErrConnectionLost = errors.New("connection lost")
	// ErrTimeout reports that a deadline passed.
	ErrTimeout = errors.New("timed out")
	// ErrProtocol reports a host that answers, but not the way an SSH server and a shell do.
	ErrProtocol = errors.New("not understood")
)

// Error reports why a host cannot be worked on.
type Error struct {
	// Op is the operation that failed, as in "cannot connect to root@10.2.0.4:22".
	Op string
	// Reason is one of the Err values of this package.
	Reason error
	// Err is the cause; it may be nil.
	Err error
	// HintText tells the user what to do.
	HintText string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %v", e.Op, e.Reason)
	}
	return fmt.Sprintf("%s: %v: %v", e.Op, e.Reason, e.Err)
}

// Unwrap returns the reason, [ErrUnreachable] and the cause, so that errors.Is finds all three.
func (e *Error) Unwrap() []error {
	chain := []error{e.Reason, ErrUnreachable}
	if e.Err != nil {
		chain = append(chain, e.Err)
	}
	return chain
}

// Hint returns what the user can do about the error.
func (e *Error) Hint() string { return e.HintText }

// CommandError reports a script that ran and failed.
type CommandError struct {
	// Script is the name of the script.
	Script string
	// Status is the exit status; -1 when there was none, as when a signal ended the script.
	Status int
	// Signal is the name of the signal that ended the script, as in KILL.
	Signal string
	// Stderr is everything that the script printed outside of its answers. The middle of a long text is left out.
	Stderr string
}

// tailLines limits the lines of standard error in the message. The rest is in Stderr and in the log.
const tailLines = 5

// Error implements error.
func (e *CommandError) Error() string {
	var out strings.Builder
	switch {
	case e.Signal != "":
		fmt.Fprintf(&out, "%s: ended by signal %s", e.Script, e.Signal)
	case e.Status < 0:
		fmt.Fprintf(&out, "%s: ended without an exit status", e.Script)
	default:
		fmt.Fprintf(&out, "%s: exit status %d", e.Script, e.Status)
	}
	if tail := e.tail(); tail != "" {
		out.WriteString(": " + tail)
	}
	return out.String()
}

// tail returns the last lines of standard error, joined into one.
func (e *CommandError) tail() string {
	lines := strings.FieldsFunc(e.Stderr, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	return strings.Join(lines, " | ")
}
