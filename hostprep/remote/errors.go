package remote

import (
	"errors"
	"fmt"
	"strings"
)

// The reasons of an [Error]; errors.Is finds them.
var (
	// ErrUnreachable is each of the other reasons for which a host cannot be worked on.
	ErrUnreachable = errors.New("host unreachable")

	// ErrNoRoute is a host that does not answer: no route, no such name, nobody there.
	ErrNoRoute = errors.New("no answer")
	// ErrRefused is a host on which nothing listens at the port.
	ErrRefused = errors.New("connection refused")
	// ErrHostKeyUnknown is a host that is not in known_hosts.
	ErrHostKeyUnknown = errors.New("host key unknown")
	// ErrHostKeyChanged is a host whose key is another than the one in known_hosts.
	ErrHostKeyChanged = errors.New("host key changed")
	// ErrHostKeyRevoked is a host with a key that known_hosts revokes.
	ErrHostKeyRevoked = errors.New("host key revoked")
	// ErrAuthentication is a host that does not let the user in.
	ErrAuthentication = errors.New("authentication failed")
	// ErrSudo is a host on which the user cannot become root.
	ErrSudo = errors.New("sudo refused")
	// ErrConnectionLost is a connection that ended, or whose other side went silent.
	ErrConnectionLost = errors.New("connection lost")
	// ErrTimeout is a deadline that passed.
	ErrTimeout = errors.New("timed out")
	// ErrProtocol is a host that answers, but not as an SSH server and a shell do.
	ErrProtocol = errors.New("not understood")
)

// Error is why a host cannot be worked on.
type Error struct {
	// Op is what could not be done, as in "cannot connect to root@10.2.0.4:22".
	Op string
	// Reason is one of the Err values of this package.
	Reason error
	// Err is the cause; it may be nil.
	Err error
	// HintText is the hint.
	HintText string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %v", e.Op, e.Reason)
	}
	return fmt.Sprintf("%s: %v: %v", e.Op, e.Reason, e.Err)
}

// Unwrap gives the reasons and the cause.
func (e *Error) Unwrap() []error {
	chain := []error{e.Reason, ErrUnreachable}
	if e.Err != nil {
		chain = append(chain, e.Err)
	}
	return chain
}

// Hint says what to do about it.
func (e *Error) Hint() string { return e.HintText }

// CommandError is a script that ran and failed.
type CommandError struct {
	// Script is its name.
	Script string
	// Status is its exit status; -1 when a signal ended it.
	Status int
	// Signal is the one that ended it, as in KILL.
	Signal string
	// Stderr is what it printed beside its answers: its beginning and end when it is long.
	Stderr string
}

// tailLines is how much of standard error stands in the message. The rest is in Stderr and in the log.
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

// tail gives the last lines of standard error in one line.
func (e *CommandError) tail() string {
	lines := strings.FieldsFunc(e.Stderr, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) > tailLines {
		lines = lines[len(lines)-tailLines:]
	}
	return strings.Join(lines, " | ")
}
