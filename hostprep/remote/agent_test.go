package remote_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// agentThat returns the socket of a fake SSH agent, which sends the same bytes after each request.
func agentThat(t *testing.T, says string) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
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
			open.Go(func() {
				defer conn.Close()
				for question := make([]byte, 1024); ; {
					if _, err := conn.Read(question); err != nil {
						return
					}
					fmt.Fprint(conn, says)
				}
			})
		}
	})
	return socket
}

// TestHostileAgents tries a hanging SSH agent: it is queried once and reported, and keys from files are still used.
func TestHostileAgents(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"silent": "", "a part": "\x00\x00\x00\x10\x0c"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var notes []string
			server := remotetest.NewServer(t, remotetest.Options{})
			_, err := try(t, server, func(s *remote.Settings) {
				s.AgentSocket, s.ConnectTimeout = agentThat(t, answer), 2*time.Second
				s.Note = func(text string) { notes = append(notes, text) }
			})
			if err != nil {
				t.Error(err)
			}
			if len(notes) != 1 || !strings.Contains(notes[0], "has not answered for 2s: going on without it") {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

// TestHostileOnlyAgents tries faulty agents as the only source of keys: the failed login names the agent's fault.
func TestHostileOnlyAgents(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		socket string
		says   string
		notes  int
	}{
		"silent":   {agentThat(t, ""), "has not answered for 1s", 1},
		"garbage":  {agentThat(t, "\xff\xff\xff\xff"), "the SSH agent does not answer", 0},
		"nonsense": {agentThat(t, "\x00\x00\x00\x01\x63"), "the SSH agent does not answer", 0},
		"gone":     {"/does/not/exist", "the SSH agent does not answer", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			notes := 0
			_, err := try(t, remotetest.NewServer(t, remotetest.Options{}), func(s *remote.Settings) {
				s.AgentSocket, s.PrivateKeyPath, s.ConnectTimeout = test.socket, "", time.Second
				s.Note = func(string) { notes++ }
			})
			reason(t, err, remote.ErrAuthentication)
			says(t, err, test.says)
			if notes != test.notes {
				t.Errorf("%d notes", notes)
			}
		})
	}
}
