package remotetest

import (
	"maps"
	"slices"

	"golang.org/x/crypto/ssh"
)

// ask asks a client for channels, as no server should.
func (s *Server) ask(client ssh.Conn) {
	for _, kind := range s.options.Opens {
		channel, requests, err := client.OpenChannel(kind, nil)
		if err == nil {
			go ssh.DiscardRequests(requests)
			channel.Close() //nolint:errcheck // it should not be there
		}
		s.mu.Lock()
		if s.opened == nil {
			s.opened = map[string]error{}
		}
		s.opened[kind] = err
		s.mu.Unlock()
	}
}

// Opened is how clients answered to the channels of [Options.Opens]: nil where one was opened.
func (s *Server) Opened() map[string]error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.opened)
}

func (s *Server) noteSignal(payload []byte) {
	var signal struct{ Name string }
	if ssh.Unmarshal(payload, &signal) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signals = append(s.signals, signal.Name)
}

// Signals are those that clients sent to their commands.
func (s *Server) Signals() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.signals)
}
