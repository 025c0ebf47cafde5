package remote

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// bootstrap is what the login shell is told to execute: an sh that reads its program as one line with
// its builtin read, which takes no byte more than the line, so that the rest of standard input is the
// program's. There is nothing in it that sh, csh and fish read differently.
const bootstrap = `sh -c 'IFS= read -r s;eval "$(printf %b "$s")"'`

// commandFor is the bootstrap as seen by the login shell of a user. LC_ALL keeps the words of sudo
// and of coreutils the same everywhere.
func commandFor(user string) string {
	if user == defaultUser {
		return "exec env LC_ALL=C " + bootstrap
	}
	return "exec env LC_ALL=C sudo -n -H -- " + bootstrap
}

// newMarker makes a word that a host cannot know before.
func newMarker() string {
	random := make([]byte, 16)
	rand.Read(random) // it never fails
	return hex.EncodeToString(random)
}

// quote makes a text one word of sh.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// framed is the program of a script as bootstrap reads it: the script in a subshell, whose answers go
// to file descriptor 3 between markers, and whose other output goes to standard error.
func framed(script Script, marker string) []byte {
	const frame = 1 << 10 // what stands around the script
	size := len(script.Body) + frame
	for _, arg := range script.Args {
		size += len(arg)
	}
	line := make([]byte, 0, size+size/8) // what is escaped is two bytes
	line = appendEscaped(line, `PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
exec 3>&1 1>&2
answer() {
	printf '\n%s begin %s\n' `+marker+` "$1" >&3
	shift
	answer_status=0
	"$@" >&3 3>&- || answer_status=$?
	printf '\n%s end %s\n' `+marker+` "$answer_status" >&3
}
progress() { (printf '\n%s progress %s\n' `+marker+` "${1:-0}" >&3) 2>/dev/null || :; }
printf '%s\n' `+marker+` >&2
set --`)
	for _, arg := range script.Args {
		line = appendEscaped(line, " "+quote(arg))
	}
	line = appendEscaped(line, "\n(\nset -eu\n")
	line = appendEscaped(line, script.Body)
	line = appendEscaped(line, "\n)\nset -- $?\nprintf '\\n%s done %s\\n' "+marker+` "$1" >&3`+"\nexit \"$1\"\n")
	return append(line, '\n')
}

// appendEscaped appends a text without a line end in it, as printf %b reads it. Scripts have kilobytes, and are sent
// to every host: what needs no escaping is looked for and copied as a whole.
func appendEscaped(line []byte, text string) []byte {
	for {
		rest, after, more := strings.Cut(text, "\n")
		for {
			plain, behind, found := strings.Cut(rest, `\`)
			line = append(line, plain...)
			if !found {
				break
			}
			line, rest = append(line, `\\`...), behind
		}
		if !more {
			return line
		}
		line, text = append(line, `\n`...), after
	}
}

// frames is what a script's standard output holds.
type frames struct {
	values map[string]Value
	// open says that the answer of that name has begun and not ended.
	open bool
	name string
	// begun reports whether the script's sh ran at all.
	begun bool
	// done reports whether it came to its end, and status is its exit status.
	done   bool
	status int
}

// errFrame is output that this package's own frame cannot have made.
var errFrame = errors.New("the answer is malformed")

// parseFrames reads a script's standard output. What stands outside of frames is noise.
func parseFrames(output []byte, marker string) (frames, error) {
	parsed := frames{values: map[string]Value{}}
	prefix := []byte("\n" + marker + " ")
	for {
		before, after, found := bytes.Cut(output, prefix)
		line, next, complete := bytes.Cut(after, []byte("\n"))
		if !found || !complete {
			return parsed, nil // the end, or cut off
		}
		output = next
		verb, word, _ := strings.Cut(string(line), " ")
		if err := parsed.take(verb, word, before); err != nil {
			return parsed, err
		}
	}
}

// take takes a marker's line, and what stands before it.
func (f *frames) take(verb, word string, before []byte) error {
	f.begun = true
	switch {
	case f.done:
		return errFrame
	case verb == "begin" && !f.open:
		f.name, f.open = word, true
		return nil
	case verb == "end" && f.open:
		f.open = false
		return f.add(f.name, before, word)
	case verb == "progress" && !f.open:
		_, err := parseSeconds(word)
		return err
	case verb == "done" && !f.open:
		var err error
		f.done = true
		f.status, err = parseStatus(word)
		return err
	default:
		return errFrame
	}
}

func (f *frames) add(name string, output []byte, status string) error {
	if _, twice := f.values[name]; twice {
		return fmt.Errorf("%w: %q is answered twice", errFrame, name)
	}
	n, err := parseStatus(status)
	f.values[name] = Value{Output: output, Status: n}
	return err
}

// parseSeconds takes how long a script may take for its next step.
func parseSeconds(text string) (time.Duration, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is no number of seconds", errFrame, text)
	}
	return time.Duration(n) * time.Second, nil
}

// parseStatus takes what $? can be.
func parseStatus(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is no exit status", errFrame, text)
	}
	return int(n), nil
}
