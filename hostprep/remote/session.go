package remote

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// outputGrace is how long output may still come after the script has ended. Something it left running
	// can hold its streams open for ever.
	outputGrace = 2 * time.Second
	// busyGrace is how long more is waited for what a script must have said and did not yet: on a busy
	// machine it is still on its way.
	busyGrace = 15 * time.Second
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
	closed  chan struct{} // closed when sshd has closed the session
}

// program is a script that is ready to be sent.
type program struct {
	line   []byte
	marker string
	// input follows it; it may be nil.
	input io.Reader
	// lasts says that the script goes on for as long as its input does.
	lasts bool
	watch *watchdog
}

// opened is a session that sshd has opened.
type opened struct {
	channel  ssh.Channel
	requests <-chan *ssh.Request
	err      error
	// terminate tells its processes to end.
	terminate func()
}

// start executes the command and sends it the program. Closed is called when sshd has closed the session, too. There
// are as few goroutines as can be: with a thousand hosts they count.
func start(ctx context.Context, open opened, command string, program program, closed func()) (*session, error) {
	channel := open.channel
	s := &session{
		channel: channel,
		broken:  make(chan error, 2),
		sent:    make(chan struct{}),
		ended:   make(chan outcome, 1),
		read:    make(chan struct{}),
		closed:  make(chan struct{}),
	}
	s.stdout.watch, s.stdout.prefix = program.watch, []byte("\n"+program.marker+" ")
	s.stderr.kept.marker = program.marker
	s.unread.Store(2)
	go func() {
		s.ended <- outcomeOf(open.requests)
		ssh.DiscardRequests(open.requests)
		close(s.closed)
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
	if err := s.execute(ctx, command); err != nil {
		close(s.sent)
		return s, err
	}
	go s.send(program)
	return s, nil
}

// execute has sshd start the command. A host may never answer.
func (s *session) execute(ctx context.Context, command string) error {
	answered := make(chan error, 1)
	go func() {
		accepted, err := s.channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{command}))
		if err == nil && !accepted {
			err = errNoExec
		}
		answered <- err
	}()
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
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

// fedEvery is how much input has to be taken to count as progress: a host that takes a byte now and then makes none.
const fedEvery = 1 << 20

// source marks the errors of a reader, and tells the watchdog what the host has taken of it.
type source struct {
	io.Reader

	watch *watchdog
	taken int
}

// Read implements io.Reader. What was read before has been taken when there is more to be read.
func (s *source) Read(data []byte) (int, error) {
	if s.taken >= fedEvery {
		s.taken = 0
		s.watch.fed()
	}
	n, err := s.Reader.Read(data)
	s.taken += n
	if err != nil && err != io.EOF {
		err = &sourceError{err}
	}
	return n, err
}

// send writes standard input. That the script ends without reading all of it is no failure.
func (s *session) send(program program) {
	defer close(s.sent)
	_, err := s.channel.Write(program.line)
	if err == nil && program.lasts {
		program.watch.pause() // until its input ends
	}
	if err == nil && program.input != nil {
		_, err = io.Copy(s.channel, &source{Reader: program.input, watch: program.watch})
	}
	if program.lasts {
		program.watch.watch()
	} else if program.input != nil {
		program.watch.fed()
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
func (s *session) close(ctx context.Context, terminate func()) {
	if ctx.Err() != nil {
		terminate()
	}
	s.channel.Close() //nolint:errcheck // it is over
	select {
	case <-s.sent:
	case <-ctx.Done():
	}
}

// errNoEnd is a session that ended without telling how its command did.
var errNoEnd = errors.New("the session ended without an exit status")

// wait waits until the script has ended and its output is read.
func (s *session) wait(ctx context.Context, c *connection) (outcome, error) {
	var result outcome
	select {
	case result = <-s.ended:
	case err := <-s.broken:
		return result, err
	case <-c.gone:
		return result, c.cause
	case <-ctx.Done():
		return result, ctx.Err()
	}
	if !s.drained(ctx, c, outputGrace) && !s.isComplete() {
		s.drained(ctx, c, busyGrace)
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
