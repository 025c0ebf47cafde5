package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits bound how long a script may take. Calling progress restarts the time, as do input that the host accepts and the
// content of a download. Other output does not: a host that never finishes may still print.
type Limits struct {
	// Read is how long a script that only reads may go without progress; one minute by default.
	Read time.Duration
	// Change is how long a script that changes the host may go without progress; five times Read by default.
	Change time.Duration
	// Total is how long a script may take that keeps reporting progress; one hour by default, or twelve times Change
	// if that is longer.
	Total time.Duration
}

const (
	// DefaultHostTimeout is the default of [Limits.Read].
	DefaultHostTimeout = time.Minute
	// changeFactor is the default ratio of Change to Read, and totalFactor the minimum ratio of Total to Change.
	changeFactor, totalFactor = 5, 12
	// defaultTotal covers all phases of kubeadm that wait, one after the other.
	defaultTotal = time.Hour
)

// complete fills in the defaults.
func (l Limits) complete() Limits {
	if l.Read <= 0 {
		l.Read = DefaultHostTimeout
	}
	if l.Change <= 0 {
		l.Change = changeFactor * l.Read
	}
	if l.Total <= 0 {
		l.Total = max(defaultTotal, totalFactor*l.Change)
	}
	return l
}

// closing is how long a session may stay open after its script has reported the end.
const closing = busyGrace

// stalledError reports why the watchdog ended a script.
type stalledError struct{ reason string }

func (e *stalledError) Error() string { return e.reason }

// watchdog ends a script that shows no progress.
type watchdog struct {
	// limit is the time without progress, total the time in all.
	limit, total time.Duration
	// cancel ends the script.
	cancel func(error)

	mu      sync.Mutex  // guards what follows
	timer   *time.Timer // nil while nothing is watched
	over    bool        // stop was called
	hard    time.Time   // the end of total, which progress does not extend
	allowed time.Duration
	reason  string // the error text when the timer fires
}

// watch starts the watchdog. For a script that lasts, send calls it again when the input ends.
func (w *watchdog) watch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hard = time.Now().Add(w.total)
	w.expect(0)
}

// expect sets the timer to limit plus patience, but not beyond hard. The caller holds the lock.
func (w *watchdog) expect(patience time.Duration) {
	left := time.Until(w.hard)
	w.allowed = min(w.limit+patience, w.total)
	w.reason = fmt.Sprintf("it has shown no progress for %s", w.allowed)
	if left <= w.allowed {
		w.reason = fmt.Sprintf("it has not ended within %s", w.total)
	}
	w.reset(min(w.allowed, left))
}

// reset arms the timer, unless stop was called. The caller holds the lock.
func (w *watchdog) reset(after time.Duration) {
	if w.over {
		return
	}
	if w.timer == nil {
		w.timer = time.AfterFunc(after, w.fire)
		return
	}
	w.timer.Reset(after)
}

// fire ends the script, unless pause or stop came first.
func (w *watchdog) fire() {
	w.mu.Lock()
	watching, reason := w.timer != nil, w.reason
	w.mu.Unlock()
	if watching {
		w.cancel(&stalledError{reason})
	}
}

// progress restarts the time, because the script reported progress. patience is the extra time that its next step needs.
func (w *watchdog) progress(patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.expect(patience)
	}
}

// fed restarts the time and the total, because the host has accepted input. Sending takes as long as the network needs, and
// the input is finite.
func (w *watchdog) fed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.hard = time.Now().Add(w.total)
		w.expect(0)
	}
}

// done expects the session to end soon, because the script has reported its end.
func (w *watchdog) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reason = "it has said that it ended, but its session does not"
	w.hard = time.Now()
	// Short read limits of tests shorten this as well.
	w.reset(min(w.limit, closing))
}

// pause stops the watchdog until the next call of watch.
func (w *watchdog) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// stop stops the watchdog for good.
func (w *watchdog) stop() {
	w.pause()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}

// stalled returns the reason for which a watchdog ended ctx, or nil.
func stalled(ctx context.Context) *stalledError {
	var cause *stalledError
	if errors.As(context.Cause(ctx), &cause) {
		return cause
	}
	return nil
}

// stalledError returns the error for a script that the watchdog ended, with the last thing that it said. That never includes
// content of an answer, which may be secret.
func (c *connection) stalledError(name string, cause *stalledError, running *session, secrets *Secrets) error {
	text := cause.reason
	if said := running.lastSaid(secrets); said != "" {
		text += "; it last said: " + said
	} else {
		text += "; it has said nothing"
	}
	return &Error{
		Op: name, Reason: ErrTimeout, Err: errors.New(text),
		HintText: "log in to the host and see what it waits for: a file system that does not answer, a lock, systemd; " +
			"--host-timeout allows slow hosts more",
	}
}

// maxSaid limits, in bytes, how much of a host's text an error repeats.
const maxSaid = 200

// lastSaid returns the last line that a script printed outside of its answers, or else its last marker.
func (s *session) lastSaid(secrets *Secrets) string {
	if line := lastLine(s.stderr.text(secrets)); line != "" {
		return line
	}
	return s.stdout.lastSaid()
}

// lastLine returns the last line of a text that is not blank, quoted and limited to its last maxSaid bytes; "" if there is
// no such line. Quoting also makes control characters visible.
func lastLine(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); line != "" {
			return strconv.Quote(line[max(0, len(line)-maxSaid):])
		}
	}
	return ""
}
