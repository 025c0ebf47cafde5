package remotetest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// markerSize is the length of the random marker in a script's answers.
const markerSize = 32

// Said is one answer of a script.
type Said struct {
	// Output is printed unchanged, with no newline added.
	Name, Output string
	Status       int
}

// Reply holds all answers of a script, encoded for sending. It is immutable.
type Reply struct {
	// data is the output, with zeros in place of the markers.
	data []byte
	// markers lists the offsets in data at which each run inserts its own marker.
	markers []int
}

// NewReply encodes a reply.
func NewReply(answers ...Said) *Reply { return (&Reply{}).And(answers...) }

// And returns a copy of the reply with more answers.
func (r *Reply) And(answers ...Said) *Reply {
	more := &Reply{data: slices.Clone(r.data), markers: slices.Clone(r.markers)}
	for _, answer := range answers {
		more.frame("begin " + answer.Name)
		more.data = append(more.data, answer.Output...)
		more.frame(fmt.Sprintf("end %d", answer.Status))
	}
	return more
}

// Instead returns a copy of the reply with texts replaced, given as pairs of old and new. A text with a marker in it does not
// match.
func (r *Reply) Instead(texts ...string) *Reply {
	other := &Reply{}
	replacer := strings.NewReplacer(texts...)
	begin := 0
	for _, at := range r.markers {
		other.data = append(other.data, replacer.Replace(string(r.data[begin:at]))...)
		other.markers = append(other.markers, len(other.data))
		other.data = append(other.data, make([]byte, markerSize)...)
		begin = at + markerSize
	}
	other.data = append(other.data, replacer.Replace(string(r.data[begin:]))...)
	return other
}

// frame appends a marker's line. Only the constructors call it.
func (r *Reply) frame(words string) {
	r.data = append(r.data, '\n')
	r.markers = append(r.markers, len(r.data))
	r.data = append(r.data, make([]byte, markerSize)...)
	r.data = append(r.data, " "+words+"\n"...)
}

// with returns the bytes to send for a run with the given marker, including the end of the script.
func (r *Reply) with(marker []byte) []byte {
	whole := r.And()
	whole.frame("done 0")
	for _, at := range whole.markers {
		copy(whole.data[at:], marker)
	}
	return whole.data
}

// sent returns a text in the form in which a script's program, which is one line, contains it.
func sent(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(text)
}

// unsent reverses sent.
func unsent(text string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n").Replace(text)
}

// received is a script's program, parsed.
type received struct {
	marker []byte
	args   string // as assignments of sh
	body   string // as it was sent
}

// Texts around the parts of a script's program. They must match package remote.
const (
	beforeMarker = `printf '\\n%s begin %s\\n' `
	beforeArgs   = ` >&2\n`
	beforeBody   = `(\nset -eu\n`
	behindBody   = `\n)\nset -- $?\n`
)

// receive parses a script's program. It returns false if the program is not one of package remote's.
func receive(program []byte) (received, bool) {
	_, rest, found := bytes.Cut(program, []byte(beforeMarker))
	if !found || len(rest) < markerSize {
		return received{}, false
	}
	marker := rest[:markerSize]
	_, rest, found = bytes.Cut(rest, []byte(beforeArgs))
	args, rest, divided := bytes.Cut(rest, []byte(beforeBody))
	end := bytes.LastIndex(rest, []byte(behindBody))
	if !found || !divided || end < 0 {
		return received{}, false
	}
	return received{marker: marker, args: string(args), body: string(rest[:end])}, true
}

// arguments returns the arguments, whose values are quoted.
func (r received) arguments() remote.Args {
	args := remote.Args{}
	// Single quotes are the only quoting, and a quote within a value is written as '\''.
	text := strings.ReplaceAll(unsent(r.args), `'\''`, "\x00")
	parts := strings.Split(text, "'")
	for i := 1; i < len(parts); i += 2 {
		// The name is on the line that the value begins on.
		name := parts[i-1][strings.LastIndex(parts[i-1], "\n")+1:]
		args[strings.TrimSuffix(name, "=")] = strings.ReplaceAll(parts[i], "\x00", "'")
	}
	return args
}

// notKnown is the exit status of sh when it does not find a command.
const notKnown = 127

// execute replies to a command and returns its exit status.
func (f *Fleet) execute(c *conversation, command string) uint32 {
	host := c.member.Address.Addr()
	if !strings.Contains(command, "IFS= read -r s;eval") {
		f.note(Asked{Host: host, What: command})
		return c.plain(command)
	}
	input := bufio.NewReader(c.channel)
	program, _ := input.ReadBytes('\n') // receive rejects an interrupted line
	script, understood := receive(program)
	known := f.scripts[script.body]
	if !understood || known == nil {
		f.note(Asked{Host: host, What: unsent(string(program))})
		return notKnown
	}
	f.note(Asked{Host: host, Name: known.Name})
	if known.Holds {
		io.Copy(io.Discard, input) // an error ends the input as EOF does
	}
	c.say(known.Reply(host, script.arguments()), script.marker)
	return 0
}

// plain executes true, and head -c N /dev/zero, which first reads its input, so that the throughput of both directions can
// be measured.
func (c *conversation) plain(command string) uint32 {
	var size int
	if _, err := fmt.Sscanf(command, "head -c %d /dev/zero", &size); err == nil {
		io.Copy(io.Discard, c.channel)      // an error ends the input as EOF does
		c.channel.Write(make([]byte, size)) // it fails only once the session is over
		return 0
	}
	if command == "true" {
		return 0
	}
	return notKnown
}

// say sends a reply, or the first half of it if the host's fault requires it.
func (c *conversation) say(reply *Reply, marker []byte) {
	data := reply.with(marker)
	if c.member.Ailment == Drops || c.member.Ailment == Stalls {
		data = data[:len(data)/2]
	}
	c.channel.Stderr().Write(append(bytes.Clone(marker), '\n')) // it fails only once the session is over
	c.channel.Write(data)
	switch c.member.Ailment {
	case Drops:
		c.conn.Close() // this is the fault
	case Stalls:
		c.conn.stall()
		<-c.conn.closed
	}
}
