package remotetest

import (
	"maps"
	"slices"

	"golang.org/x/crypto/ssh"
)

// ask requests the channels of [Options.Opens] from a client, as no well-behaved server does.
func (s *Server) ask(client ssh.Conn) {
	for _, kind := range s.options.Opens {
		channel, requests, err := client.OpenChannel(kind, nil)
		if err == nil {
			go ssh.DiscardRequests(requests)
			channel.Close()
		}
		s.mu.Lock()
		if s.opened == nil {
			s.opened = map[string]error{}
		}
		s.opened[kind] = err
		s.mu.Unlock()
	}
}

// Opened returns the clients' answers to the channels of [Options.Opens], by kind. A nil error means that a client opened
// the channel.
func (s *Server) Opened() map[string]error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.opened)
}

// noteSignal records a signal that a client sent to its command.
func (s *Server) noteSignal(payload []byte) {
	var signal struct{ Name string }
	if ssh.Unmarshal(payload, &signal) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signals = append(s.signals, signal.Name)
}

// Signals returns the signals that clients sent to their commands, oldest first.
func (s *Server) Signals() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.signals)
}
