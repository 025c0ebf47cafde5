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

// Session is a command that the server received.
type Session struct {
	// Command is the command line, which the server does not parse.
	Command        string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Ended ends with the session, Server with the server.
	Ended, Server context.Context

	// outputs waits for the goroutines that copy the outputs, which may outlast the command.
	outputs *sync.WaitGroup
}

// Exit describes how a command ended.
type Exit struct {
	// Status is the exit status, if Signal is empty.
	Status int
	// Signal is the name of the signal that ended the command, as in KILL.
	Signal string
	// Vanish ends the session without an exit status or a signal.
	Vanish bool
}

// stdin reads what has arrived on a channel. The channel's own Read returns an error together with data when the connection
// breaks, since it cannot request more; the data must not be lost.
type stdin struct{ channel io.Reader }

// Read implements io.Reader.
func (s stdin) Read(data []byte) (int, error) {
	n, err := s.channel.Read(data)
	if n > 0 {
		return n, nil
	}
	return n, err
}

// grace is how long a command may run after its session has ended.
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
	defer channel.Close()
	ended, end := context.WithCancel(s.life)
	var running sync.WaitGroup
	defer running.Wait()
	// As with sshd, the command still reads what arrived before the connection broke.
	defer func() { time.AfterFunc(grace, end) }()
	for request := range requests {
		var command struct{ Line string }
		switch {
		case request.Type == "exec" && ssh.Unmarshal(request.Payload, &command) == nil:
			request.Reply(true, nil)
			running.Go(func() {
				s.execute(Session{
					Command: command.Line, Stdin: stdin{channel}, Stdout: channel, Stderr: channel.Stderr(), Ended: ended, Server: s.life,
					outputs: &sync.WaitGroup{},
				}, channel)
				over() // before the client can see the end and a test counts the sessions
				channel.Close()
			})
		case request.Type == "signal":
			s.noteSignal(request.Payload)
			end()
		case request.WantReply:
			request.Reply(false, nil)
		}
	}
}

// count adds to the number of open sessions.
func (s *Server) count(change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions += change
	s.most = max(s.most, s.sessions)
}

// execute runs a command and reports how it ended. As with sshd, the report can precede the end of the outputs.
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
		channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal   string
			Core     bool
			Message  string
			Language string
		}{Signal: exit.Signal}))
	default:
		channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(exit.Status)}))
	}
}

// shell runs a command with the server's shell, in a process group of its own.
func (s *Server) shell(session Session) Exit {
	if noise := s.options.Noise; noise != "" {
		fmt.Fprint(session.Stdout, noise)
		fmt.Fprint(session.Stderr, noise)
	}
	line := append(append([]string(nil), s.options.Shell...), session.Command)
	cmd := exec.CommandContext(session.Ended, line[0], line[1:]...)
	cmd.Dir, cmd.Env = s.Dir, append(os.Environ(), s.options.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// The process group is killed, since sh may have started other processes.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := session.connect(cmd); err != nil {
		fmt.Fprintln(session.Stderr, err)
		return Exit{Status: 127}
	}
	err := cmd.Wait()
	// Background processes of the command end with the session.
	context.AfterFunc(session.Ended, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }) // none may be left
	var failed *exec.ExitError
	if !errors.As(err, &failed) {
		return Exit{}
	}
	if status, ok := failed.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Exit{Signal: strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG")}
	}
	return Exit{Status: failed.ExitCode()}
}

// connect starts a command with the session's streams. The outputs are pipes that it copies on its own, so that cmd.Wait
// does not wait for them: a background process may hold them open.
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
			io.Copy(output.to, reader) // an error ends the output as EOF does
			reader.Close()
		})
	}
	err = cmd.Start()
	for _, end := range ends {
		end.Close() // the command has its own descriptors
	}
	if err != nil {
		return err
	}
	go func() {
		io.Copy(input, s.Stdin) // an error ends the input as EOF does
		input.Close()
	}()
	return nil
}

// forward connects the client of a jump host to its destination.
func (s *Server) forward(offered ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	if err := ssh.Unmarshal(offered.ExtraData(), &to); err != nil {
		offered.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(s.life, "tcp", net.JoinHostPort(to.Host, fmt.Sprint(to.Port)))
	if err != nil {
		offered.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer conn.Close()
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(conn, channel) // an error ends the stream as EOF does
		conn.Close()
	})
	both.Go(func() {
		io.Copy(channel, conn)
		channel.Close()
	})
	both.Wait()
}
