package remote

import (
	"errors"
	"io"
	"slices"
	"sync"
)

const (
	// maxAnswer bounds what a host can make this program keep.
	maxAnswer = 16 << 20
	// answerRoom is what there is at least to read an answer into: it has some kilobytes.
	answerRoom = 2 << 10
)

// answerKeeper keeps output up to a bound.
type answerKeeper struct {
	mu   sync.Mutex
	data []byte
}

var errTooLong = errors.New("the answer is longer than 16 MiB")

// readAll reads to the end, right into what is kept.
func (k *answerKeeper) readAll(output io.Reader) error {
	for {
		n, err := output.Read(k.room())
		k.mu.Lock()
		k.data = k.data[:len(k.data)+n]
		k.mu.Unlock()
		switch {
		case len(k.data) > maxAnswer:
			return errTooLong
		case err != nil:
			return err
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
