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

// Limits bound how long a host may take. A script that says progress, as its input being taken does, starts anew; what
// it prints does not count, since a host that never comes to an end may print all the same.
type Limits struct {
	// Read is how long a script that only reads may show no progress; a minute by default.
	Read time.Duration
	// Change is that of a script that changes the host; five times Read by default.
	Change time.Duration
	// Total is how long a script may go on that shows progress; an hour by default, or twelve times Change.
	Total time.Duration
}

const (
	// DefaultHostTimeout is the default of [Limits.Read].
	DefaultHostTimeout = time.Minute
	// changeFactor is how much longer a change may take than a look, and totalFactor than that everything may.
	changeFactor, totalFactor = 5, 12
	// defaultTotal is enough for each step that kubeadm waits for, one after the other.
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

// closing is how long a session may stay open whose script has said that it has ended.
const closing = busyGrace

// stalledError is a script that was not waited for any longer.
type stalledError struct{ reason string }

func (e *stalledError) Error() string { return e.reason }

// watchdog ends a script that shows no progress.
type watchdog struct {
	limit, total time.Duration
	bite         func(error)

	mu      sync.Mutex
	timer   *time.Timer // nil before it watches, and once it is over
	over    bool
	hard    time.Time // when all progress counts for nothing
	allowed time.Duration
	reason  string
}

// watch begins. A script that lasts is watched from the end of its input on.
func (w *watchdog) watch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hard = time.Now().Add(w.total)
	w.expect(0)
}

// expect has the script be ended after its limit and what it asks for. The caller holds the lock.
func (w *watchdog) expect(patience time.Duration) {
	left := time.Until(w.hard)
	w.allowed = min(w.limit+patience, w.total)
	w.reason = fmt.Sprintf("it has shown no progress for %s", w.allowed)
	if left <= w.allowed {
		w.reason = fmt.Sprintf("it has not ended within %s", w.total)
	}
	w.reset(min(w.allowed, left))
}

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

func (w *watchdog) fire() {
	w.mu.Lock()
	watching, reason := w.timer != nil, w.reason
	w.mu.Unlock()
	if watching {
		w.bite(&stalledError{reason})
	}
}

// progress is what a script said: what it does next may take some time by itself.
func (w *watchdog) progress(patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.expect(patience)
	}
}

// fed says that the script has taken input: the time for that is the network's, and the input is bounded.
func (w *watchdog) fed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.hard = time.Now().Add(w.total)
		w.expect(0)
	}
}

// done says that the script has said its last word: there is nothing left to wait for but its session's end.
func (w *watchdog) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reason = "it has said that it ended, but its session does not"
	w.hard = time.Now()
	w.reset(min(w.limit, closing))
}

// pause stops watching until the next call of watch.
func (w *watchdog) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// stop ends the watch.
func (w *watchdog) stop() {
	w.pause()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}

// stalled gives what a watchdog ended a script with.
func stalled(ctx context.Context) *stalledError {
	var cause *stalledError
	if errors.As(context.Cause(ctx), &cause) {
		return cause
	}
	return nil
}

// stalledError tells which script was ended, and what it said last. That is never a part of an answer, which may be
// secret.
func (c *connection) stalledError(name string, cause *stalledError, running *session, secrets *Secrets) error {
	told := cause.reason
	if said := running.lastSaid(secrets); said != "" {
		told += "; it last said: " + said
	} else {
		told += "; it has said nothing"
	}
	return &Error{
		Op: name, Reason: ErrTimeout, Err: errors.New(told),
		HintText: "log in to the host and see what it waits for: a file system that does not answer, a lock, systemd; " +
			"--host-timeout allows slow hosts more",
	}
}

// maxSaid bounds what is repeated of a script.
const maxSaid = 200

// lastSaid is the last line that a script printed beside its answers; else which answer it was at.
func (s *session) lastSaid(secrets *Secrets) string {
	if line := lastLine(s.stderr.text(secrets)); line != "" {
		return line
	}
	return s.stdout.lastSaid()
}

// lastLine is the last line of a text that is not empty, quoted and shortened.
func lastLine(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); line != "" {
			return strconv.Quote(line[max(0, len(line)-maxSaid):])
		}
	}
	return ""
}
