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
	// greetingKept limits, in bytes, what a server may send before its version.
	greetingKept = 8 << 10
	// greetingWait is how long after its first lines a server may send its version.
	greetingWait = 3 * time.Second
	// versionPrefix begins the version line.
	versionPrefix = "SSH-"
)

// greeting checks what a server sends first: any number of text lines, then its version line (RFC 4253, section 4.2). It
// recognizes other servers early, instead of after the timeout that an SSH client needs.
type greeting struct {
	mu      sync.Mutex // guards what follows
	said    []byte     // at most greetingKept
	version bool       // the version line has arrived
	late    *time.Timer
	// refused means that the server cannot be an SSH server.
	refused bool
}

// receive records what a server sends. It reports whether it can still be an SSH server. If the server may be one but does not
// send its version within greetingWait, hangUp is called.
func (g *greeting) receive(data []byte, hangUp func()) bool {
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
			continue // it may become the version line
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

// giveUp calls hangUp unless the version has arrived.
func (g *greeting) giveUp(hangUp func()) {
	g.mu.Lock()
	g.refused = !g.version
	refused := g.refused
	g.mu.Unlock()
	if refused {
		hangUp()
	}
}

// hasVersion reports whether the version line has arrived.
func (g *greeting) hasVersion() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.version
}

// stop stops waiting for the version. The caller holds the lock.
func (g *greeting) stop() {
	if g.late != nil {
		g.late.Stop()
	}
}

// isText reports whether line can be text for people. A line that is not whole may end within a UTF-8 sequence.
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

// speaksOther reports whether a line begins a well-known protocol other than SSH: HTTP, FTP and SMTP, IMAP, POP3, VNC,
// HTML without a header, Redis, AMQP.
func speaksOther(line []byte) bool {
	return slices.ContainsFunc([]string{"HTTP/", "220 ", "220-", "* OK", "+OK", "RFB ", "<html", "<!DOCTYPE", "-ERR", "AMQP"},
		func(begin string) bool { return bytes.HasPrefix(line, []byte(begin)) })
}

// isRejection reports whether sshd said that there are too many connections: beyond MaxStartups, or by PerSourcePenalties.
func isRejection(said string) bool {
	return strings.HasPrefix(said, "Exceeded MaxStartups") || strings.HasPrefix(said, "Not allowed at this time")
}

// other returns the first line of a server that does not speak SSH, or "" when that is not certain. A stream that ends
// before the version was not SSH, unless its text is a rejection by sshd.
func (g *greeting) other() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.version || len(g.said) == 0 || isRejection(string(g.said)) {
		return ""
	}
	first, _, _ := bytes.Cut(g.said, []byte("\n"))
	return string(first[:min(len(first), maxSaid)])
}

// named returns the server's version line, or "".
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

// noServerError returns the error for a port at which something other than sshd listens.
func noServerError(end *endpoint, said string) error {
	return &Error{
		Op: "cannot log in as " + end.String(), Reason: ErrProtocol,
		Err:      fmt.Errorf("what listens there is not an SSH server: it says %q", said),
		HintText: "check the port: it has to be sshd that listens at " + hostPort(end.host, end.port),
	}
}
