package remote

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// greetingKept is how much is kept of what a server says before it names its version.
	greetingKept = 8 << 10
	// greetingWait is how long the version may be behind the lines that a server is allowed to say before it.
	greetingWait = 3 * time.Second
	// versionPrefix is what the line with the version begins with.
	versionPrefix = "SSH-"
)

// greeting is what a server says first: lines, of which the one with its version is the last (RFC 4253, section 4.2).
type greeting struct {
	mu      sync.Mutex
	said    []byte
	version bool // it has come
	late    *time.Timer
	// refused says that the server is known to be none of SSH.
	refused bool
}

// hear takes what a server says. It reports false when that cannot be an SSH server; after a while hangUp is called
// where it might be one and says nothing more.
func (g *greeting) hear(data []byte, hangUp func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.version {
		return true
	}
	g.said = append(g.said, data[:min(len(data), greetingKept-len(g.said))]...)
	for line := range bytes.Lines(g.said) {
		whole := bytes.HasSuffix(line, []byte("\n"))
		switch {
		case bytes.HasPrefix(line, []byte(versionPrefix)):
			g.version = true
			g.stop()
			return true
		case !whole && bytes.HasPrefix([]byte(versionPrefix), line):
			continue // it may become one
		case !isText(line, whole) || speaksOther(line):
			g.refused = true
		}
	}
	g.refused = g.refused || len(g.said) >= greetingKept
	if g.late == nil && !g.refused {
		g.late = time.AfterFunc(greetingWait, func() { g.giveUp(hangUp) })
	}
	return !g.refused
}

func (g *greeting) giveUp(hangUp func()) {
	g.mu.Lock()
	g.refused = !g.version
	refused := g.refused
	g.mu.Unlock()
	if refused {
		hangUp()
	}
}

func (g *greeting) hasVersion() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.version
}

// stop ends the wait for the version.
func (g *greeting) stop() {
	if g.late != nil {
		g.late.Stop()
	}
}

// isText reports whether bytes can be a line that is meant to be read; one that is not whole may end within a letter.
func isText(line []byte, whole bool) bool {
	text := string(line)
	if !whole {
		for len(text) > 0 && len(line)-len(text) < utf8.UTFMax && !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	isOdd := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) }
	return utf8.ValidString(text) && !strings.ContainsFunc(text, isOdd)
}

// speaksOther reports whether a line is the beginning of a well-known protocol that is not SSH's.
func speaksOther(line []byte) bool {
	return slices.ContainsFunc([]string{"HTTP/", "220 ", "220-", "* OK", "+OK", "RFB ", "<html", "<!DOCTYPE", "-ERR", "AMQP"},
		func(begin string) bool { return bytes.HasPrefix(line, []byte(begin)) })
}

// isRejection reports whether it is sshd that said that there are too many.
func isRejection(said string) bool {
	return strings.HasPrefix(said, "Exceeded MaxStartups") || strings.HasPrefix(said, "Not allowed at this time")
}

// other gives what a server said that is none of SSH; "" where nothing says so. What ended without the version was none,
// unless it is sshd that turns people away.
func (g *greeting) other() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.version || len(g.said) == 0 || isRejection(string(g.said)) {
		return ""
	}
	first, _, _ := bytes.Cut(g.said, []byte("\n"))
	return string(first[:min(len(first), maxSaid)])
}

// named gives the version that a server named.
func (g *greeting) named() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for line := range bytes.Lines(g.said) {
		if bytes.HasPrefix(line, []byte(versionPrefix)) {
			line = bytes.TrimSpace(line)
			return string(line[:min(len(line), maxSaid)])
		}
	}
	return ""
}

// noServerError says that something else listens where sshd should.
func noServerError(end *endpoint, said string) error {
	return &Error{
		Op: "cannot log in as " + end.String(), Reason: ErrProtocol,
		Err:      fmt.Errorf("what listens there is no SSH server: it says %q", said),
		HintText: "check the port: it has to be sshd that listens at " + hostPort(end.host, end.port),
	}
}
