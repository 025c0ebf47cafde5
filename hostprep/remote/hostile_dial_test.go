package remote_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// listen sends text to every client, then holds or closes the connection, and counts connections.
func listen(t *testing.T, text string, hold bool) (port uint16, connections *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = &atomic.Int32{}
	var open sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		open.Wait()
	})
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			fmt.Fprint(conn, text)
			if hold {
				open.Go(func() {
					_, _ = io.Copy(io.Discard, conn) // an error ends the input as EOF does
					conn.Close()
				})
				continue
			}
			conn.Close()
		}
	})
	return listener.Addr().(*net.TCPAddr).AddrPort().Port(), connections
}

// TestHostileListeners tries servers that do not speak SSH: the error quotes them, and they are not retried. A
// connection that is closed before the server says anything is retried, since it may be sshd that has too many
// connections. So is one that ends with sshd's own rejection.
func TestHostileListeners(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	const noServer = "what listens there is not an SSH server: it says "
	tests := map[string]struct {
		text  string
		want  error
		says  string
		again bool
	}{
		"HTTP": {
			"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", remote.ErrProtocol, noServer + `"HTTP/1.1 400 Bad Request\r"`, false,
		},
		"mail": {
			"220 mail.example.org ESMTP \x1b[31m\r\n", remote.ErrProtocol, noServer + `"220 mail.example.org ESMTP \x1b[31m\r"`, false,
		},
		"TLS":                  {"\x15\x03\x01\x00\x02\x02\x16", remote.ErrProtocol, noServer + `"\x15\x03\x01\x00\x02\x02\x16"`, false},
		"a text":               {"who are you?\n", remote.ErrProtocol, noServer + `"who are you?"`, false},
		"a text that ends not": {strings.Repeat("what? ", 10_000), remote.ErrProtocol, noServer, false},
		"lines that end not":   {strings.Repeat("what?\n", 10_000), remote.ErrProtocol, noServer + `"what?"`, false},
		"SSH, then HTTP":       {"SSH-2.0-nonsense\r\nHTTP/1.1 400 this is no SSH server\r\n\r\n", remote.ErrProtocol, "too large", false},
		"too many":             {"Exceeded MaxStartups\r\n", remote.ErrConnectionLost, "closed the connection", true},
		"penalty":              {"Not allowed at this time\r\n", remote.ErrConnectionLost, "closed the connection", true},
		"nothing":              {"", remote.ErrConnectionLost, "closed the connection", true},
	}
	for name, test := range tests {
		for _, hold := range []bool{false, true} {
			if hold && test.again {
				continue // the test of slow servers covers it
			}
			t.Run(fmt.Sprint(name, " held ", hold), func(t *testing.T) {
				t.Parallel()
				port, connections := listen(t, test.text, hold)
				timeout := time.Minute // more than the test waits
				if test.again {
					timeout = 100 * time.Millisecond
				}
				_, err := try(t, server, func(s *remote.Settings) { s.Port, s.ConnectTimeout = port, timeout })
				reason(t, err, test.want)
				says(t, err, test.says)
				if strings.Contains(err.Error(), "closed network connection") {
					t.Errorf("the error does not name the cause: %v", err)
				}
				if got := connections.Load(); (got > 1) != test.again {
					t.Errorf("it was connected to %d times: %v", got, err)
				}
			})
		}
	}
}

// TestHostileGreetings tries servers that send an SSH version line and then something else. The error names that cause,
// and not the low-level symptom.
func TestHostileGreetings(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	for name, text := range map[string]string{
		"no kex": "SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x14aaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"cut":    "SSH-2.0-x\r\n\x00\x00\x00\x0c", "old": "SSH-1.5-x\r\n",
	} {
		for _, hold := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " held ", hold), func(t *testing.T) {
				t.Parallel()
				port, _ := listen(t, text, hold)
				_, err := try(t, server, func(s *remote.Settings) { s.Port, s.ConnectTimeout = port, 200*time.Millisecond })
				if !errors.Is(err, remote.ErrUnreachable) || strings.Contains(err.Error(), "closed network connection") {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}

// A server may send other lines before its version (RFC 4253, section 4.2).
func TestLinesBeforeTheVersion(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"a line": "welcome\r\n", "more": "this is\n\tb\u00fccher\n\n", "S": "S\nSS\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connect(t, remotetest.NewServer(t, remotetest.Options{Fault: func(int) remotetest.Fault { return remotetest.Fault{Says: text} }}))
		})
	}
}
