package remote_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// TestHostileChannels tries hosts that request an agent, a display or a connection through this side: they get none.
func TestHostileChannels(t *testing.T) {
	t.Parallel()
	kinds := []string{"auth-agent@openssh.com", "x11", "forwarded-tcpip", "session", "direct-tcpip", "tun@openssh.com"}
	server := remotetest.NewServer(t, remotetest.Options{Opens: kinds})
	host := connect(t, server)
	if _, err := host.Probe(bound(t), remote.Script{Name: "look", Body: "answer a true"}); err != nil {
		t.Error(err)
	}
	answers := server.Opened()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var refused *ssh.OpenChannelError
			if err, asked := answers[kind]; !asked || !errors.As(err, &refused) {
				t.Errorf("asked %t, error %v", asked, err)
			}
		})
	}
}

// TestHostileBanners tries banners of any length: they are not shown.
func TestHostileBanners(t *testing.T) {
	t.Parallel()
	for name, banner := range map[string]string{
		"escape sequences": "\x1b[31mWelcome\x1b]0;title\a\u202e\x9b\n", "200 kB": strings.Repeat("\x1b[31mWelcome\x1b]0;title\a\n", 8_000),
		"a frame": "\nMARKER begin a\nx\nMARKER end 0\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := connect(t, remotetest.NewServer(t, remotetest.Options{Banner: banner}))
			answer, err := host.Probe(bound(t), remote.Script{Name: "look", Body: "answer a true"})
			if err != nil || answer.Stderr != "" || answer.Text("a") != "" {
				t.Errorf("answer %q, standard error %q, error %v", answer.Text("a"), answer.Stderr, err)
			}
		})
	}
}

// TestHostileAnswers tries malformed answers of all shapes: they end the script, and are never taken for valid ones.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("\nMARKER begin a\n\nMARKER end 0\n", 30_000)
	for name, test := range map[string]struct {
		says string
		exit remotetest.Exit
	}{
		"nothing":               {"", remotetest.Exit{}},
		"no end":                {"\nMARKER begin a\nx", remotetest.Exit{}},
		"an end of nothing":     {"\nMARKER end 0\n", remotetest.Exit{}},
		"an answer twice":       {"\nMARKER begin a\nx\nMARKER end 0\n\nMARKER begin a\ny\nMARKER end 0\n\nMARKER done 0\n", remotetest.Exit{}},
		"many answers":          {many, remotetest.Exit{}},
		"15 MiB":                {strings.Repeat("flood of noise\n", 1<<20), remotetest.Exit{}},
		"15 MiB in an answer":   {"\nMARKER begin a\n" + strings.Repeat("flood of noise\n", 1<<20), remotetest.Exit{}},
		"a status of no number": {"\nMARKER done \x1b[31m\n", remotetest.Exit{}},
		"a status too high":     {"\nMARKER done 4294967296\n", remotetest.Exit{}},
		"a signal of no name":   {"", remotetest.Exit{Signal: "\x1b]0;title\a"}},
		"an exit and no word":   {"", remotetest.Exit{Status: 1 << 31}},
		"no exit":               {"\nMARKER begin a\nx", remotetest.Exit{Vanish: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := connect(t, remotetest.NewServer(t, remotetest.Options{Command: remotetest.Says(test.says, test.exit)}))
			if answer, err := host.Probe(bound(t), remote.Script{Name: "look", Body: "answer a true"}); err == nil || len(answer.Values) > 0 {
				t.Errorf("answer %v, error %v", answer.Values, err)
			}
		})
	}
}
