package remotetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// Session is a command as the server gets it.
type Session struct {
	Command        string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Ended ends with the session, Server with the server.
	Ended, Server context.Context

	// outputs is what still copies outputs when the command has ended.
	outputs *sync.WaitGroup
}

// Exit is how a command ends.
type Exit struct {
	Status int
	// Signal is the one that ended it, as in KILL.
	Signal string
	// Vanish ends the session without saying how the command ended.
	Vanish bool
}

// stdin is what has arrived on a channel. The channel's own Read fails while a connection is being cut, as soon as it
// cannot ask for more, with some still unread.
type stdin struct{ channel io.Reader }

// Read implements io.Reader.
func (s stdin) Read(data []byte) (int, error) {
	n, err := s.channel.Read(data)
	if n > 0 {
		return n, nil
	}
	return n, err
}

// grace is how long a command may go on after the end of its session.
const grace = time.Minute

// session serves one session.
func (s *Server) session(offered ssh.NewChannel) {
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	s.count(1)
	over := sync.OnceFunc(func() { s.count(-1) })
	defer over()
	defer channel.Close() //nolint:errcheck // it is over
	ended, end := context.WithCancel(s.life)
	var running sync.WaitGroup
	defer running.Wait()
	// As with sshd, what had arrived before a connection was cut is read to its end.
	defer func() { time.AfterFunc(grace, end) }()
	for request := range requests {
		var command struct{ Line string }
		switch {
		case request.Type == "exec" && ssh.Unmarshal(request.Payload, &command) == nil:
			request.Reply(true, nil) //nolint:errcheck // the session would be over
			running.Go(func() {
				s.execute(Session{
					Command: command.Line, Stdin: stdin{channel}, Stdout: channel, Stderr: channel.Stderr(), Ended: ended, Server: s.life,
					outputs: &sync.WaitGroup{},
				}, channel)
				over()          // before the client can know of it
				channel.Close() //nolint:errcheck // it is over
			})
		case request.Type == "signal":
			s.noteSignal(request.Payload)
			end()
		case request.WantReply:
			request.Reply(false, nil) //nolint:errcheck // as above
		}
	}
}

func (s *Server) count(change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions += change
	s.most = max(s.most, s.sessions)
}

// execute runs a command and tells how it ended. As with sshd, that can be before its outputs end.
func (s *Server) execute(session Session, channel ssh.Channel) {
	defer session.outputs.Wait()
	run := s.shell
	if s.options.Command != nil {
		run = s.options.Command
	}
	exit := run(session)
	switch {
	case exit.Vanish:
	case exit.Signal != "":
		channel.SendRequest("exit-signal", false, ssh.Marshal(struct { //nolint:errcheck // the session would be over
			Signal   string
			Core     bool
			Message  string
			Language string
		}{Signal: exit.Signal}))
	default:
		channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(exit.Status)})) //nolint:errcheck // as above
	}
}

// shell runs a command with the server's shell.
func (s *Server) shell(session Session) Exit {
	if noise := s.options.Noise; noise != "" {
		fmt.Fprint(session.Stdout, noise) //nolint:errcheck // the session would be over
		fmt.Fprint(session.Stderr, noise) //nolint:errcheck // as above
	}
	line := append(append([]string(nil), s.options.Shell...), session.Command)
	cmd := exec.CommandContext(session.Ended, line[0], line[1:]...)
	cmd.Dir, cmd.Env = s.Dir, append(os.Environ(), s.options.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := session.connect(cmd); err != nil {
		fmt.Fprintln(session.Stderr, err) //nolint:errcheck // the session would be over
		return Exit{Status: 127}
	}
	err := cmd.Wait()
	// What it left behind goes with the session.
	context.AfterFunc(session.Ended, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }) //nolint:errcheck // there may be nothing
	var failed *exec.ExitError
	if !errors.As(err, &failed) {
		return Exit{}
	}
	if status, ok := failed.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Exit{Signal: strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG")}
	}
	return Exit{Status: failed.ExitCode()}
}

// connect starts a command with the session's streams. Its outputs are pipes of its own, so that
// waiting for it is not waiting for them.
func (s Session) connect(cmd *exec.Cmd) error {
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var ends []*os.File
	for _, output := range []struct {
		to   io.Writer
		from *io.Writer
	}{{s.Stdout, &cmd.Stdout}, {s.Stderr, &cmd.Stderr}} {
		reader, writer, err := os.Pipe()
		if err != nil {
			return err
		}
		*output.from = writer
		ends = append(ends, writer)
		s.outputs.Go(func() {
			io.Copy(output.to, reader) //nolint:errcheck // its end is an end
			reader.Close()             //nolint:errcheck // as above
		})
	}
	err = cmd.Start()
	for _, end := range ends {
		end.Close() //nolint:errcheck // the command has its own
	}
	if err != nil {
		return err
	}
	go func() {
		io.Copy(input, s.Stdin) //nolint:errcheck // its end is an end
		input.Close()           //nolint:errcheck // as above
	}()
	return nil
}

// forward connects a jump host's client to where it wants.
func (s *Server) forward(offered ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	if err := ssh.Unmarshal(offered.ExtraData(), &to); err != nil {
		offered.Reject(ssh.ConnectionFailed, err.Error()) //nolint:errcheck // the session would be over
		return
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(s.life, "tcp", net.JoinHostPort(to.Host, fmt.Sprint(to.Port)))
	if err != nil {
		offered.Reject(ssh.ConnectionFailed, err.Error()) //nolint:errcheck // as above
		return
	}
	defer conn.Close() //nolint:errcheck // it is over
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(conn, channel) //nolint:errcheck // its end is an end
		conn.Close()           //nolint:errcheck // as above
	})
	both.Go(func() {
		io.Copy(channel, conn) //nolint:errcheck // as above
		channel.Close()        //nolint:errcheck // as above
	})
	both.Wait()
}
