package remote

import (
	"bytes"
	"fmt"
	"sync"
)

// stderrHalf limits, in bytes, each of the two parts of standard error that are kept: the beginning and the end.
const stderrHalf = 32 << 10

// stderrKeeper keeps the beginning and the end of standard error. What a host can make this program hold is bounded.
type stderrKeeper struct {
	marker string // a line with only the marker divides the login shell's output from the script's
	head   []byte
	tail   []byte // at most twice stderrHalf, so that it is rarely moved
	total  int64  // bytes written
}

// Write implements io.Writer. It never fails.
func (k *stderrKeeper) Write(data []byte) (int, error) {
	k.total += int64(len(data))
	written := len(data)
	if room := stderrHalf - len(k.head); room > 0 {
		taken := min(room, len(data))
		k.head = append(k.head, data[:taken]...)
		data = data[taken:]
	}
	k.tail = append(k.tail, data...)
	// The tail grows to twice its size before it is cut, so that each byte is moved once on average.
	if over := len(k.tail) - 2*stderrHalf; over > 0 {
		k.tail = append(k.tail[:0], k.tail[len(k.tail)-stderrHalf:]...)
	}
	return written, nil
}

// start returns the first line that a script prints.
func (k *stderrKeeper) start() []byte { return []byte(k.marker + "\n") }

// begun reports whether the script's sh ran at all. The login shell must print less than stderrHalf before that.
func (k *stderrKeeper) begun() bool { return bytes.Contains(k.head, k.start()) }

// text returns the script's part of what was kept, with a note where something was left out. Secrets are redacted, and so
// much is dropped on both sides of the gap that no part of a secret remains there.
func (k *stderrKeeper) text(secrets *Secrets) string {
	head := k.head
	if _, after, begun := bytes.Cut(head, k.start()); begun {
		head = after // the login shell printed what is before it
	}
	left := k.total - int64(len(k.head)) - int64(len(k.tail))
	if left <= 0 {
		return secrets.Redact(string(head) + string(k.tail))
	}
	// A secret that the gap cuts in two is not recognized, and all but its last byte could be left. That much is dropped.
	edge := max(secrets.longest()-1, 0)
	first, last := secrets.Redact(string(head)), secrets.Redact(string(k.tail))
	first, last = first[:max(len(first)-edge, 0)], last[min(edge, len(last)):]
	return fmt.Sprintf("%s\n[%d bytes left out]\n%s", first, left+2*int64(edge), last)
}

// lockedWriter is a stderrKeeper that can be read while it is written to.
type lockedWriter struct {
	mu   sync.Mutex
	kept stderrKeeper
}

// Write implements io.Writer.
func (w *lockedWriter) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept.Write(data)
}

// text returns the text of the stderrKeeper.
func (w *lockedWriter) text(secrets *Secrets) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept.text(secrets)
}

// begun reports whether the script's sh ran, as far as it has been written.
func (w *lockedWriter) begun() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept.begun()
}
