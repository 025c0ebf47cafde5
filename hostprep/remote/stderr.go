package remote

import (
	"bytes"
	"fmt"
	"sync"
)

// stderrHalf is how much of the beginning, and how much of the end, of standard error is kept.
const stderrHalf = 32 << 10

// stderrKeeper keeps the beginning and the end of what is written to it.
type stderrKeeper struct {
	marker string // a line of it divides the login shell's from the script's
	head   []byte
	tail   []byte // at most twice stderrHalf
	total  int64
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
	if over := len(k.tail) - 2*stderrHalf; over > 0 {
		k.tail = append(k.tail[:0], k.tail[len(k.tail)-stderrHalf:]...)
	}
	return written, nil
}

// start is what a script prints first.
func (k *stderrKeeper) start() []byte { return []byte(k.marker + "\n") }

// begun reports whether the script's sh ran at all.
func (k *stderrKeeper) begun() bool { return bytes.Contains(k.head, k.start()) }

// text gives what was kept, with a note where something was left out, and without secrets: not even
// a part of one that the cut went through.
func (k *stderrKeeper) text(secrets *Secrets) string {
	head := k.head
	if _, after, begun := bytes.Cut(head, k.start()); begun {
		head = after // before it is what the login shell printed
	}
	left := k.total - int64(len(k.head)) - int64(len(k.tail))
	if left <= 0 {
		return secrets.Redact(string(head) + string(k.tail))
	}
	edge := max(secrets.longest()-1, 0)
	first, last := secrets.Redact(string(head)), secrets.Redact(string(k.tail))
	first, last = first[:max(len(first)-edge, 0)], last[min(edge, len(last)):]
	return fmt.Sprintf("%s\n[%d bytes left out]\n%s", first, left+2*int64(edge), last)
}

// lockedWriter is for an output that may still be written to while it is looked at.
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

// text and begun are those of stderrKeeper.
func (w *lockedWriter) text(secrets *Secrets) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept.text(secrets)
}

func (w *lockedWriter) begun() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept.begun()
}
