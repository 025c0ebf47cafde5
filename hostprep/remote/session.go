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
	// outputGrace is how long to wait for more output after the script has ended. A process that the script left
	// running can hold the streams open forever.
	outputGrace = 2 * time.Second
	// busyGrace is how much longer to wait when the output is incomplete. On a busy machine, output that the script
	// has written can still be on its way.
	busyGrace = 15 * time.Second
	// stderrBuffer is the size, in bytes, of the copy buffer for standard error, which mostly carries single lines.
	stderrBuffer = 1 << 10
)

// session is a running script.
type session struct {
	channel ssh.Channel
	stdout  answerKeeper
	stderr  lockedWriter
	broken  chan error    // receives why this side ended the session; has room for one error of input and one of output
	sent    chan struct{} // closed when nothing more is sent
	ended   chan outcome
	unread  atomic.Int32  // the number of outputs that are not read to their ends
	read    chan struct{} // closed when both outputs are read to their ends
	closed  chan struct{} // closed when sshd has closed the session
	diverts bool          // whether an answer is written elsewhere
}

// program is a script in the form in which it is sent.
type program struct {
	line   []byte // the output of framed
	marker string
	// input is sent after line; it may be nil.
	input io.Reader
	// lasts has the meaning of [Script.Lasts].
	lasts bool
	// content receives the answer of that name; it may be nil.
	content io.Writer
	watch   *watchdog
}

// opened is the result of a request to open a session.
type opened struct {
	channel  ssh.Channel
	requests <-chan *ssh.Request
	err      error
	// terminate sends SIGTERM to the processes of the session.
	terminate func()
}

// start executes the command and sends it the program. It calls closed when sshd has closed the session, even after an
// error. It starts as few goroutines as possible: with a thousand hosts they add up.
func start(ctx context.Context, open opened, command string, program program, closed func()) (*session, error) {
	channel := open.channel
	s := &session{
		channel: channel,
		broken:  make(chan error, 2),
		sent:    make(chan struct{}),
		ended:   make(chan outcome, 1),
		read:    make(chan struct{}),
		closed:  make(chan struct{}),
		diverts: program.content != nil,
	}
	s.stdout.watch, s.stdout.prefix = program.watch, []byte("\n"+program.marker+" ")
	s.stderr.kept.marker = program.marker
	// Both outputs are read at all times, since a script blocks while the window of an output is full.
	s.unread.Store(2)
	go func() {
		s.ended <- outcomeOf(open.requests)
		// The requests are drained until the channel closes; sshd sends nothing after that.
		ssh.DiscardRequests(open.requests)
		close(s.closed)
		closed()
	}()
	var output io.Reader = channel
	if program.content != nil {
		output = newDiverter(channel, program)
	}
	go func() {
		var unwritten *sinkError
		if err := s.stdout.readAll(output); errors.Is(err, errTooLong) || errors.As(err, &unwritten) {
			s.broken <- err
			channel.Close()
		}
		s.isRead()
	}()
	go func() {
		_, _ = io.CopyBuffer(&s.stderr, channel.Stderr(), make([]byte, stderrBuffer)) // an error ends it as EOF does
		s.isRead()
	}()
	if err := s.execute(ctx, command); err != nil {
		close(s.sent)
		return s, err
	}
	go s.send(program)
	return s, nil
}

// execute asks sshd to execute the command. The request runs in a goroutine, because a host may never answer it.
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

// isRead records that one of the two outputs has been read to its end.
func (s *session) isRead() {
	if s.unread.Add(-1) == 0 {
		close(s.read)
	}
}

// errNoExec reports that the host refused to execute a command, as an appliance with an SSH server of its own may.
var errNoExec = errors.New("sshd executes no commands")

// sourceError reports that reading the caller's input failed, not writing it to the host.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// fedEvery is how many bytes of input count as progress. A host that takes a byte now and then makes none.
const fedEvery = 1 << 20

// source marks the errors of a reader as sourceError, and reports to the watchdog how much of it the host has taken.
type source struct {
	io.Reader

	watch *watchdog
	taken int // bytes since the last report
}

// Read implements io.Reader. The host has taken the previous data when the next read begins: io.Copy writes in between.
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

// send writes standard input. A script may end without reading all of it, so a failure to write is not reported.
func (s *session) send(program program) {
	defer close(s.sent)
	_, err := s.channel.Write(program.line)
	if err == nil && program.lasts {
		program.watch.pause() // for as long as the input lasts
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
		s.channel.Close()
		return
	}
	s.channel.CloseWrite()
}

// close ends the session and waits until the input is no longer read, since the caller may reuse it. It does not wait
// after ctx has ended: the input may block.
func (s *session) close(ctx context.Context, terminate func()) {
	if ctx.Err() != nil {
		terminate()
	}
	s.channel.Close()
	select {
	case <-s.sent:
	case <-ctx.Done():
	}
}

// errNoEnd reports a session that ended without an exit status or a signal.
var errNoEnd = errors.New("the session ended without an exit status")

// wait waits until the script has ended and its output has been read.
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
	if s.diverts {
		// The caller's writer may be slow. The watchdog limits how slow.
		s.drained(ctx, c, c.limits.Total)
	} else if !s.drained(ctx, c, outputGrace) && !s.isComplete() {
		s.drained(ctx, c, busyGrace)
	}
	// Output that was too long, or input that cannot be read, decides even if the script has ended meanwhile.
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

// drained waits until both outputs have been read to their ends. It returns false if patience ran out first, and true also
// when the connection or ctx has ended, since then there is nothing more to wait for.
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

// isComplete reports whether the output holds the final marker. Outputs that are still open then belong to a process that
// the script left running. Malformed output is complete as well: more of it cannot repair it.
func (s *session) isComplete() bool {
	parsed, err := parseFrames(s.stdout.bytes(), s.stderr.kept.marker)
	return err != nil || parsed.done
}
