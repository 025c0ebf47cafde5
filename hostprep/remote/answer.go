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
	// maxAnswer bounds what a host can make this program keep.
	maxAnswer = 1 << 20
	// answerRoom is what there is at least to read an answer into: it has some kilobytes.
	answerRoom = 2 << 10
)

// answerKeeper keeps output up to a bound, and passes on what a script says on its way.
type answerKeeper struct {
	watch *watchdog
	// prefix is what a marker's line begins with.
	prefix []byte

	mu   sync.Mutex
	data []byte
	// scanned is where the search for the next marker begins, last the last one's words.
	scanned int
	last    string
}

var errTooLong = errors.New("the answer is longer than 1 MiB")

// readAll reads to the end, right into what is kept.
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

// scan looks for markers in what came last. What they mean for the answer, parseFrames says in the end.
func (k *answerKeeper) scan() {
	for {
		_, after, found := bytes.Cut(k.data[k.scanned:], k.prefix)
		if !found {
			k.scanned = max(k.scanned, len(k.data)-len(k.prefix)+1)
			return
		}
		line, _, complete := bytes.Cut(after, []byte("\n"))
		if !complete {
			k.scanned = len(k.data) - len(after) - len(k.prefix)
			return
		}
		k.scanned = len(k.data) - len(after) + len(line)
		k.last = string(line)
		switch verb, word, _ := strings.Cut(k.last, " "); verb {
		case "progress":
			if patience, err := parseSeconds(word); err == nil {
				k.watch.progress(patience)
			}
		case "done":
			k.watch.done()
		}
	}
}

// room is where what comes next goes to. Only who reads the output has to do with it.
func (k *answerKeeper) room() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.data = slices.Grow(k.data, answerRoom)
	return k.data[len(k.data):cap(k.data)]
}

// bytes gives what came until now. What comes later stands behind it and changes nothing of it.
func (k *answerKeeper) bytes() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clip(k.data)
}

// lastSaid tells where a script is by its answers; never what is in one, which may be secret.
func (k *answerKeeper) lastSaid() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch verb, name, _ := strings.Cut(k.last, " "); verb {
	case "":
		return lastLine(string(k.data)) // it is the login shell's
	case "begin":
		return fmt.Sprintf("the beginning of its answer %q", name)
	default:
		return fmt.Sprintf("%q", k.last)
	}
}
