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

// bootstrap is the command that the login shell executes: an sh that reads its program as one line. The builtin read
// consumes no byte beyond the line, so the rest of standard input is the program's. sh, csh and fish parse the command
// alike.
const bootstrap = `sh -c 'IFS= read -r s;eval "$(printf %b "$s")"'`

// commandFor returns the command for a user's login shell. Users other than root run it under sudo. LC_ALL=C keeps the
// texts of sudo and of coreutils in English.
func commandFor(user string) string {
	if user == defaultUser {
		return "exec env LC_ALL=C " + bootstrap
	}
	return "exec env LC_ALL=C sudo -n -H -- " + bootstrap
}

// newMarker returns a random word. The host learns it only with the script, so neither banners nor startup files of the
// login shell can contain it.
func newMarker() string {
	random := make([]byte, 16)
	rand.Read(random) // it never returns an error
	return hex.EncodeToString(random)
}

// quote quotes a text as one word of sh.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// environment completes the environment of a script for any user. Programs of nodes are in /usr/local/bin,
// which the secure_path of RHEL's sudoers lacks. A bash that a script starts would read .bashrc if it found SSH_CLIENT, and
// what that prints would be taken for an answer. What dualstrap runs on hosts reaches only the cluster, which no proxy knows:
// kubeadm would join through it, and write it into the static pods. with_proxies runs a command that reaches further.
const environment = `PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
unset BASH_ENV ENV SSH_CLIENT SSH2_CLIENT
_proxies=
for _name in http https ftp all no HTTP HTTPS FTP ALL NO; do
	case $_name in [a-z]*) _name=${_name}_proxy ;; *) _name=${_name}_PROXY ;; esac
	eval "_value=\${$_name-}"
	unset "$_name"
	[ -z "$_value" ] || _proxies="$_proxies$_name=$_value
"
done
with_proxies() {
	(
		set -f
		_ifs=$IFS
		IFS='
'
		for _pair in $_proxies; do export "$_pair"; done
		IFS=$_ifs
		"$@"
	)
}
`

// framed returns the program of a script as the one line that bootstrap reads. The script runs in a subshell; its answers
// go to file descriptor 3 between markers, and all its other output to standard error.
func framed(script Script, marker string) []byte {
	const frame = 2 << 10 // the size, in bytes, of what surrounds the script
	assignments := script.Args.assignments()
	size := len(script.Body) + len(assignments) + frame
	line := make([]byte, 0, size+size/8) // escaping adds a byte per newline and backslash
	// The first line on standard error tells whether sh ran at all, even if the script prints nothing. The subshell keeps set -e
	// and exit of the script from skipping the line that reports its end.
	line = appendEscaped(line, environment+`exec 3>&1 1>&2
answer() {
	printf '\n%s begin %s\n' `+marker+` "$1" >&3
	shift
	_status=0
	"$@" >&3 3>&- || _status=$?
	printf '\n%s end %s\n' `+marker+` "$_status" >&3
}
progress() { (printf '\n%s progress %s\n' `+marker+` "${1:-0}" >&3) 2>/dev/null || :; }
printf '%s\n' `+marker+` >&2
`)
	line = appendEscaped(line, assignments)
	line = appendEscaped(line, "(\nset -eu\n")
	line = appendEscaped(line, script.Body)
	line = appendEscaped(line, "\n)\nset -- $?\nprintf '\\n%s done %s\\n' "+marker+` "$1" >&3`+"\nexit \"$1\"\n")
	return append(line, '\n')
}

// appendEscaped appends a text to a line, escaped for printf %b. Scripts are kilobytes long and are sent to every host,
// so text between the escapes is copied as a whole.
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

// frames holds the parsed standard output of a script.
type frames struct {
	// values holds the complete answers by name.
	values map[string]Value
	// open means that the answer called name has begun and not ended.
	open bool
	name string
	// begun reports whether the script's sh ran at all: it printed a marker.
	begun bool
	// done reports whether the script finished, and status is then its exit status.
	done   bool
	status int
}

// errFrame reports output that this package's frame cannot have produced.
var errFrame = errors.New("the answer is malformed")

// parseFrames parses a script's standard output. Text outside of frames is ignored. Output that ends within a frame is not
// an error; open and done tell how far it came.
func parseFrames(output []byte, marker string) (frames, error) {
	parsed := frames{values: map[string]Value{}}
	prefix := []byte("\n" + marker + " ")
	for {
		before, after, found := bytes.Cut(output, prefix)
		line, next, complete := bytes.Cut(after, []byte("\n"))
		if !found || !complete {
			return parsed, nil // the end, or an interrupted line
		}
		output = next
		verb, word, _ := strings.Cut(string(line), " ")
		if err := parsed.take(verb, word, before); err != nil {
			return parsed, err
		}
	}
}

// take processes a marker's line; before is the text between it and the previous marker.
func (f *frames) take(verb, word string, before []byte) error {
	f.begun = true
	switch {
	// A marker within a frame that is already complete can only be forged, or printed by a process left running.
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

// add records an answer.
func (f *frames) add(name string, output []byte, status string) error {
	if _, twice := f.values[name]; twice {
		return fmt.Errorf("%w: %q is answered twice", errFrame, name)
	}
	n, err := parseStatus(status)
	f.values[name] = Value{Output: output, Status: n}
	return err
}

// parseSeconds parses the argument of progress. 16 bits limit it to 18 hours.
func parseSeconds(text string) (time.Duration, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is not a number of seconds", errFrame, text)
	}
	return time.Duration(n) * time.Second, nil
}

// parseStatus parses an exit status, which is from 0 to 255.
func parseStatus(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is not an exit status", errFrame, text)
	}
	return int(n), nil
}
