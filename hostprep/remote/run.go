package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// task holds a script, and how this package runs it.
type task struct {
	Script
	// kind names it in the log: probe, change or download.
	kind string
	// limit is how long it may go without progress.
	limit time.Duration
	// content receives the answer of that name, which may be longer than others; nil if it is an answer as others are.
	content io.Writer
}

// run executes a script on the connection. It waits while maxSessions other scripts run.
func (c *connection) run(ctx context.Context, script task, secrets *Secrets) (Answer, error) {
	if strings.ContainsRune(script.Body, 0) {
		return Answer{}, fmt.Errorf("%s: a script cannot hold NUL", script.Name)
	}
	if err := script.Args.check(); err != nil {
		return Answer{}, fmt.Errorf("%s: %w", script.Name, err)
	}
	select {
	case c.sessions <- struct{}{}:
	case <-c.gone:
		return Answer{}, c.lostError(script.Name)
	case <-ctx.Done():
		return Answer{}, ended(ctx, script.Name)
	}
	open, err := c.session(ctx, script.Name)
	if err != nil {
		<-c.sessions
		return Answer{}, err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	// Without a terminal, sshd does not end the processes of a session that is closed. They are signaled before the
	// channel is closed, by whichever of AfterFunc and session.close comes first: afterwards the signal would be lost.
	open.terminate = sync.OnceFunc(func() {
		open.channel.SendRequest("signal", false, ssh.Marshal(struct{ Signal string }{"TERM"}))
	})
	stop := context.AfterFunc(ctx, func() {
		open.terminate()
		open.channel.Close()
	})
	defer stop()
	// The watchdog's time begins when the session is open: waiting for a slot is not the script's fault.
	watch := &watchdog{limit: script.limit, total: c.limits.Total, cancel: end}
	watch.watch()
	defer watch.stop()
	return c.execute(ctx, script, open, watch, secrets)
}

// execute executes a script in an opened session and returns its answer, or the reason why it failed.
func (c *connection) execute(ctx context.Context, script task, open opened, watch *watchdog, secrets *Secrets) (Answer, error) {
	marker := newMarker()
	begun := time.Now()
	program := program{
		line: framed(script.Script, marker), marker: marker, input: script.Stdin, lasts: script.Lasts, content: script.content, watch: watch,
	}
	running, err := start(ctx, open, commandFor(c.end.user), program, func() {
		c.open.Add(-1)
		<-c.sessions
	})
	defer running.close(ctx, open.terminate)
	var result outcome
	if err == nil {
		result, err = running.wait(ctx, c)
	}
	answer := Answer{Stderr: running.stderr.text(secrets), Duration: time.Since(begun)}
	if cause := stalled(ctx); err != nil && cause != nil {
		go c.giveUp(running)
		return answer, c.stalledError(script.Name, cause, running, secrets)
	}
	if err != nil {
		return answer, c.broken(ctx, script.Name, err)
	}
	answer.Values, err = c.parseResult(script.Name, running, result, answer.Stderr, secrets)
	return answer, err
}

// closingFactor bounds, in multiples of the read limit, how long sshd may take to close a session. It matters in tests,
// whose limits are short; with the default limits busyGrace is less, and applies.
const closingFactor = 10

// giveUp ends a connection whose sshd does not close a session that was ended. The session would hold its slot forever.
func (c *connection) giveUp(running *session) {
	timer := time.NewTimer(min(busyGrace, closingFactor*c.limits.Read))
	defer timer.Stop()
	select {
	case <-running.closed:
	case <-c.gone:
	case <-timer.C:
		c.lose(errNotClosed)
	}
}

// errNotClosed reports that the host ignored the end of a session.
var errNotClosed = errors.New("the host does not close a session that was ended")

// broken returns the error of a script without an outcome: reading the input or writing the content failed, the caller's
// context ended, the host broke the protocol, the connection was lost, or only the session ended.
func (c *connection) broken(ctx context.Context, name string, err error) error {
	var unread *sourceError
	var unwritten *sinkError
	switch {
	case errors.As(err, &unread):
		return fmt.Errorf("%s: cannot read the input: %w", name, unread.err)
	case errors.As(err, &unwritten):
		return fmt.Errorf("%s: %w", name, unwritten.err)
	case ctx.Err() != nil:
		return ended(ctx, name)
	case errors.Is(err, errNoExec), errors.Is(err, errTooLong):
		return &Error{Op: name, Reason: ErrProtocol, Err: err, HintText: "log in to the host and check that it executes commands"}
	}
	// A keepalive tells a lost connection from a session that ended without an exit status.
	if c.ask(outputGrace) != nil {
		c.lose(errNoEnd)
	}
	if c.isGone() {
		return c.lostError(name)
	}
	return &CommandError{Script: name, Status: -1}
}
