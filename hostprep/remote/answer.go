package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

const (
	// maxAnswer is the most output, in bytes, that one script can make this program hold in memory.
	maxAnswer = 1 << 20
	// answerRoom is the minimum space, in bytes, for each read. Most answers are a few kilobytes.
	answerRoom = 2 << 10
)

// answerKeeper collects standard output up to maxAnswer, and forwards the markers for progress and the end to the watchdog
// as they arrive.
type answerKeeper struct {
	watch *watchdog
	// prefix begins the line of every marker, including the newline before it.
	prefix []byte

	mu   sync.Mutex // guards what follows
	data []byte
	// scanned is the offset in data at which the search for the next marker begins; last is the text of the last one.
	scanned int
	last    string
}

// errTooLong reports an answer beyond maxAnswer.
var errTooLong = errors.New("the answer is longer than 1 MiB")

// readAll reads output to its end, directly into the buffer, so that nothing is copied.
func (k *answerKeeper) readAll(output io.Reader) error {
	for {
		n, err := output.Read(k.room())
		k.mu.Lock()
		k.data = k.data[:len(k.data)+n]
		k.scan()
		k.mu.Unlock()
		switch {
		case len(k.data) > maxAnswer:
			return errTooLong
		case err != nil:
			return err
		}
	}
}

// scan evaluates the markers in data that has arrived since the last call. Only progress matters here: parseFrames
// interprets all markers, strictly, when the script has ended. The caller holds the lock.
func (k *answerKeeper) scan() {
	for {
		_, after, found := bytes.Cut(k.data[k.scanned:], k.prefix)
		if !found {
			k.scanned = max(k.scanned, len(k.data)-len(k.prefix)+1) // the end may be the beginning of a prefix
			return
		}
		line, _, complete := bytes.Cut(after, []byte("\n"))
		if !complete {
			k.scanned = len(k.data) - len(after) - len(k.prefix)
			return
		}
		k.scanned = len(k.data) - len(after) + len(line) // at the newline: it may begin the next prefix
		k.last = string(line)
		switch verb, word, _ := strings.Cut(k.last, " "); verb {
		case "progress":
			// A malformed number is ignored here; parseFrames reports it.
			if patience, err := parseSeconds(word); err == nil {
				k.watch.progress(patience)
			}
		case "done":
			k.watch.done()
		}
	}
}

// room returns the free space of the buffer for the next read. Only readAll's goroutine may write to it.
func (k *answerKeeper) room() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.data = slices.Grow(k.data, answerRoom)
	return k.data[len(k.data):cap(k.data)]
}

// bytes returns the output so far. The caller's view stays valid: later output is appended behind it.
func (k *answerKeeper) bytes() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clip(k.data)
}

// lastSaid describes how far a script has come, by its last marker. It never includes content of an answer, which may be
// secret.
func (k *answerKeeper) lastSaid() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch verb, name, _ := strings.Cut(k.last, " "); verb {
	case "":
		return lastLine(string(k.data)) // no marker yet: it is output of the login shell
	case "begin":
		return fmt.Sprintf("the beginning of its answer %q", name)
	default:
		return fmt.Sprintf("%q", k.last)
	}
}
