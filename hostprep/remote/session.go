package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// drain is how long output may still come after the script has ended. Something it left running
	// can hold its streams open for ever.
	drain = 2 * time.Second
	// starved is how long more is waited for what a script must have said and did not yet: on a busy
	// machine it is still on its way.
	starved = 15 * time.Second
	// stderrBuffer is what the rest comes through: it is mostly a line.
	stderrBuffer = 1 << 10
)

// session is one running script.
type session struct {
	channel ssh.Channel
	stdout  answerKeeper
	stderr  lockedWriter
	broken  chan error    // why this side ended it
	sent    chan struct{} // closed when nothing more is sent
	ended   chan outcome
	unread  atomic.Int32  // how many of the outputs are not yet read to their ends
	read    chan struct{} // closed when none is
}

// program is a script that is ready to be sent.
type program struct {
	line   []byte
	marker string
	// input follows it; it may be nil.
	input io.Reader
}

// start executes the command and sends it the program. Closed is called when sshd has closed the session, too. There
// are as few goroutines as can be: with a thousand hosts they count.
func start(
	channel ssh.Channel, requests <-chan *ssh.Request, command string, program program, closed func(),
) (*session, error) {
	s := &session{
		channel: channel,
		broken:  make(chan error, 2),
		sent:    make(chan struct{}),
		ended:   make(chan outcome, 1),
		read:    make(chan struct{}),
	}
	s.stderr.kept.marker = program.marker
	s.unread.Store(2)
	go func() {
		s.ended <- outcomeOf(requests)
		ssh.DiscardRequests(requests)
		closed()
	}()
	go func() {
		if err := s.stdout.readAll(channel); errors.Is(err, errTooLong) {
			s.broken <- err
			channel.Close() //nolint:errcheck // what comes is not wanted
		}
		s.isRead()
	}()
	go func() {
		io.CopyBuffer(&s.stderr, channel.Stderr(), make([]byte, stderrBuffer)) //nolint:errcheck // its end is an end
		s.isRead()
	}()
	accepted, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{command}))
	if err == nil && !accepted {
		err = errNoExec
	}
	if err != nil {
		close(s.sent)
		return s, err
	}
	if program.input == nil {
		s.send(program)
	} else {
		go s.send(program)
	}
	return s, nil
}

// isRead notes that one of the outputs is read to its end.
func (s *session) isRead() {
	if s.unread.Add(-1) == 0 {
		close(s.read)
	}
}

var errNoExec = errors.New("sshd executes no commands")

// sourceError is a failure to read what is to be sent, as against one to send it.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// source marks the errors of a reader.
type source struct{ io.Reader }

// Read implements io.Reader.
func (s source) Read(data []byte) (int, error) {
	n, err := s.Reader.Read(data)
	if err != nil && err != io.EOF {
		err = &sourceError{err}
	}
	return n, err
}

// send writes standard input. That the script ends without reading all of it is no failure.
func (s *session) send(program program) {
	defer close(s.sent)
	_, err := s.channel.Write(program.line)
	if err == nil && program.input != nil {
		_, err = io.Copy(s.channel, source{program.input})
	}
	var unread *sourceError
	if errors.As(err, &unread) {
		s.broken <- unread
		s.channel.Close() //nolint:errcheck // it is over
		return
	}
	s.channel.CloseWrite() //nolint:errcheck // when it fails the session is over
}

// close ends the session and waits until nobody reads the input any more: its owner may want it back.
func (s *session) close(ctx context.Context) {
	s.channel.Close() //nolint:errcheck // it is over
	select {
	case <-s.sent:
	case <-ctx.Done():
	}
}

// run executes a script on the connection, when there is a place for it.
func (c *connection) run(ctx context.Context, script Script, secrets *Secrets) (Answer, error) {
	hasNUL := func(text string) bool { return strings.ContainsRune(text, 0) }
	if hasNUL(script.Body) || slices.ContainsFunc(script.Args, hasNUL) {
		return Answer{}, fmt.Errorf("%s: neither a script nor its arguments can hold NUL", script.Name)
	}
	select {
	case c.sessions <- struct{}{}:
	case <-c.gone:
		return Answer{}, c.lostError(script.Name)
	case <-ctx.Done():
		return Answer{}, ended(ctx, script.Name)
	}
	channel, requests, err := c.session(ctx, script.Name)
	if err != nil {
		<-c.sessions
		return Answer{}, err
	}
	// Without a terminal a session's end does not reach its processes, so they are told before.
	stop := context.AfterFunc(ctx, func() {
		channel.SendRequest("signal", false, ssh.Marshal(struct{ Signal string }{"TERM"})) //nolint:errcheck // best effort
		channel.Close()                                                                    //nolint:errcheck // as above
	})
	defer stop()
	marker := newMarker()
	begun := time.Now()
	program := program{framed(script, marker), marker, script.Stdin}
	running, err := start(channel, requests, commandFor(c.end.user), program, func() {
		c.open.Add(-1)
		<-c.sessions
	})
	defer running.close(ctx)
	var result outcome
	if err == nil {
		result, err = running.wait(ctx, c)
	}
	answer := Answer{Stderr: running.stderr.text(secrets), Duration: time.Since(begun)}
	if err != nil {
		return answer, c.broken(ctx, script.Name, err)
	}
	answer.Values, err = c.judge(script.Name, running, result, answer.Stderr, secrets)
	return answer, err
}

// errNoEnd is a session that ended without telling how its command did.
var errNoEnd = errors.New("the session ended without an exit status")

// wait waits until the script has ended and its output is read.
func (s *session) wait(ctx context.Context, c *connection) (outcome, error) {
	var result outcome
	select {
	case result = <-s.ended:
	case <-c.gone:
		return result, c.cause
	case <-ctx.Done():
		return result, ctx.Err()
	}
	if !s.drained(ctx, c, drain) && !s.isComplete() {
		s.drained(ctx, c, starved)
	}
	select {
	case err := <-s.broken:
		return result, err
	default:
	}
	if !result.answered {
		return result, errNoEnd
	}
	return result, nil
}

// drained waits until both outputs are read to their ends, and reports whether there is nothing more to
// wait for.
func (s *session) drained(ctx context.Context, c *connection, patience time.Duration) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-s.read:
	case <-c.gone:
	case <-ctx.Done():
	case <-late.C:
		return false
	}
	return true
}

// isComplete reports whether the script has said all it had to. What holds its outputs open then is
// something that it left running.
func (s *session) isComplete() bool {
	parsed, err := parseFrames(s.stdout.bytes(), s.stderr.kept.marker)
	return err != nil || parsed.done
}

// broken tells why there is no outcome: the caller's end, the input's, the connection's or the session's.
func (c *connection) broken(ctx context.Context, name string, err error) error {
	var unread *sourceError
	switch {
	case errors.As(err, &unread):
		return fmt.Errorf("%s: cannot read what is to be sent: %w", name, unread.err)
	case ctx.Err() != nil:
		return ended(ctx, name)
	case errors.Is(err, errNoExec), errors.Is(err, errTooLong):
		return &Error{Doing: name, Reason: ErrProtocol, Err: err, Try: "log in to the host and see what it does on a command"}
	}
	if c.ask(drain) != nil {
		c.lose(errNoEnd)
	}
	if c.isGone() {
		return c.lostError(name)
	}
	return &CommandError{Script: name, Status: -1}
}
