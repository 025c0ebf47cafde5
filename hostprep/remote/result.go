package remote

import (
	"bytes"
	"cmp"
	"errors"
	"strings"
)

// parseResult converts the outcome and the output of a script to its answers, or to an error.
func (c *connection) parseResult(name string, running *session, result outcome, stderr string, secrets *Secrets) (map[string]Value, error) {
	output := running.stdout.bytes()
	marker := running.stderr.kept.marker
	parsed, err := parseFrames(output, marker)
	switch {
	case err != nil:
		return nil, &Error{Op: name, Reason: ErrProtocol, Err: err, HintText: "look at the host's log: the script's output is malformed"}
	// The script's sh never ran: the login shell or sudo failed, and their text, on either stream, is the reason.
	case !parsed.begun && !running.stderr.begun():
		said := cmp.Or(strings.TrimSpace(stderr), strings.TrimSpace(secrets.Redact(string(bytes.ToValidUTF8(output, nil)))))
		return nil, c.notStarted(name, said)
	case parsed.done && parsed.status == 0:
		return parsed.values, nil
	case parsed.done:
		return nil, &CommandError{Script: name, Status: parsed.status, Stderr: stderr}
	case result.status == 0:
		result.status = -1 // the status of something else, as the login shell: the script did not finish
	}
	return nil, &CommandError{Script: name, Status: result.status, Signal: result.signal, Stderr: stderr}
}

// notStarted returns the error for a host that cannot run scripts at all: the login shell or sudo refuses.
func (c *connection) notStarted(name, said string) error {
	err := errors.New(cmp.Or(strings.ReplaceAll(said, "\n", " | "), "it says nothing"))
	failure := &Error{Op: name, Reason: ErrProtocol, Err: err, HintText: "check the login shell of " + c.end.user + " on the host"}
	if c.end.user == defaultUser {
		return failure
	}
	// These are texts of sudo and of shells. commandFor sets LC_ALL=C, so that they are in English.
	has := func(words string) bool { return strings.Contains(said, words) }
	rule := "allow it: echo '" + c.end.user + " ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/" + c.end.user + " on the host, as root"
	switch {
	case has("sudo") && (has("No such file") || has("not found")):
		failure.Reason, failure.HintText = ErrSudo, "install sudo on the host, or log in as root"
	case has("password is required"), has("terminal is required"), has("no tty present"), has("must have a tty"):
		failure.Reason, failure.HintText = ErrSudo, c.end.user+" needs sudo without a password and without a terminal; "+rule
	case has("not allowed"), has("not in the sudoers"), has("may not run sudo"):
		failure.Reason, failure.HintText = ErrSudo, c.end.user+" may not become root; "+rule
	}
	return failure
}
