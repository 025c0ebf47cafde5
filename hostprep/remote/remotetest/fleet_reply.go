package remotetest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// markerSize is the size of the word that a script's answers stand between.
const markerSize = 32

// Said is one answer of a script.
type Said struct {
	Name, Output string
	Status       int
}

// Reply is all that a script answers, made ready to be sent.
type Reply struct {
	data []byte
	// markers are where the word goes that each run of a script has of its own.
	markers []int
}

// NewReply makes a reply of answers.
func NewReply(answers ...Said) *Reply { return (&Reply{}).And(answers...) }

// And gives a reply with more answers.
func (r *Reply) And(answers ...Said) *Reply {
	more := &Reply{data: slices.Clone(r.data), markers: slices.Clone(r.markers)}
	for _, answer := range answers {
		more.frame("begin " + answer.Name)
		more.data = append(more.data, answer.Output...)
		more.frame(fmt.Sprintf("end %d", answer.Status))
	}
	return more
}

// Instead gives a reply with some texts in place of others, given by turns. The word is not a part of them.
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

func (r *Reply) frame(words string) {
	r.data = append(r.data, '\n')
	r.markers = append(r.markers, len(r.data))
	r.data = append(r.data, make([]byte, markerSize)...)
	r.data = append(r.data, " "+words+"\n"...)
}

// with gives the reply to one run, with its end.
func (r *Reply) with(marker []byte) []byte {
	whole := r.And()
	whole.frame("done 0")
	for _, at := range whole.markers {
		copy(whole.data[at:], marker)
	}
	return whole.data
}

// sent is a text as a script's program, which is one line, has it.
func sent(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(text)
}

// unsent is the other way round.
func unsent(text string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n").Replace(text)
}

// received is a script as a host gets it.
type received struct {
	marker []byte
	args   string // as words of sh
	body   string // as it was sent
}

// What stands around the parts of a script's program.
const (
	beforeMarker = `printf '\\n%s begin %s\\n' `
	beforeArgs   = `\nset --`
	beforeBody   = `\n(\nset -eu\n`
	behindBody   = `\n)\nset -- $?\n`
)

// receive reads a script's program.
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

// words are the arguments, which are quoted each.
func (r received) words() []string {
	var words []string
	text := strings.ReplaceAll(unsent(r.args), `'\''`, "\x00")
	for i, part := range strings.Split(text, "'") {
		if i%2 == 1 {
			words = append(words, strings.ReplaceAll(part, "\x00", "'"))
		}
	}
	return words
}

// notKnown is the exit status of sh for what it does not find.
const notKnown = 127

// execute does what a host does on a command, and gives its exit status.
func (f *Fleet) execute(c *conversation, command string) uint32 {
	host := c.member.Address.Addr()
	if !strings.Contains(command, "IFS= read -r s;eval") {
		f.note(Asked{Host: host, What: command})
		return c.plain(command)
	}
	input := bufio.NewReader(c.channel)
	program, _ := input.ReadBytes('\n') // what is cut off is not understood
	script, understood := receive(program)
	known := f.scripts[script.body]
	if !understood || known == nil {
		f.note(Asked{Host: host, What: unsent(string(program))})
		return notKnown
	}
	f.note(Asked{Host: host, Name: known.Name})
	if known.Holds {
		io.Copy(io.Discard, input) //nolint:errcheck // its end is an end
	}
	c.say(known.Reply(host, script.words()), script.marker)
	return 0
}

// plain does what needs no script: true, and head -c N /dev/zero, which reads its input first so that both ways can
// be measured.
func (c *conversation) plain(command string) uint32 {
	var size int
	if _, err := fmt.Sscanf(command, "head -c %d /dev/zero", &size); err == nil {
		io.Copy(io.Discard, c.channel)      //nolint:errcheck // its end is an end
		c.channel.Write(make([]byte, size)) //nolint:errcheck // the session would be over
		return 0
	}
	if command == "true" {
		return 0
	}
	return notKnown
}

// say sends a reply, as far as the host comes.
func (c *conversation) say(reply *Reply, marker []byte) {
	data := reply.with(marker)
	if c.member.Ailment == Drops || c.member.Ailment == Stalls {
		data = data[:len(data)/2]
	}
	c.channel.Stderr().Write(append(bytes.Clone(marker), '\n')) //nolint:errcheck // the session would be over
	c.channel.Write(data)                                       //nolint:errcheck // as above
	switch c.member.Ailment {
	case Drops:
		c.conn.Close() //nolint:errcheck // that is the point
	case Stalls:
		c.conn.stall()
		<-c.conn.closed
	}
}
