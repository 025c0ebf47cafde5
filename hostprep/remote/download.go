package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strconv"
	"sync"
)

// Downloaded describes the content that [Host.Download] has copied.
type Downloaded struct {
	// Size is in bytes.
	Size int64
	// SHA256 is the digest in hexadecimal.
	SHA256 string
}

// Download implements Host.
func (h *host) Download(ctx context.Context, path string, limit int64, to io.Writer) (Downloaded, error) {
	script, err := NewScript("download "+path, Args{"path": path, "limit": strconv.FormatInt(limit, 10)}, downloadScript)
	if err != nil {
		return Downloaded{}, err
	}
	received := &sink{to: to, limit: limit, digest: sha256.New()}
	answer, err := h.run(ctx, task{Script: script, kind: "download", limit: h.connection.limits.Change, content: received})
	got := received.close()
	if err != nil {
		return Downloaded{}, err
	}
	if _, missing := answer.Values["missing"]; missing {
		return Downloaded{}, fmt.Errorf("cannot download %s: %w", path, fs.ErrNotExist)
	}
	size, err := strconv.ParseInt(answer.Text("size"), 10, 64)
	content, sent := answer.Values["content"]
	switch {
	case err != nil:
		return Downloaded{}, fmt.Errorf("cannot download %s: the host does not know its size: %w", path, err)
	case size > limit:
		return Downloaded{}, fmt.Errorf("cannot download %s: %w of %d: it has %d", path, errTooLarge, limit, size)
	case content.Status != 0:
		return Downloaded{}, &CommandError{Script: script.Name, Status: content.Status, Stderr: answer.Stderr}
	case !sent, got.Size != size, got.SHA256 != answer.Text("digest"):
		return Downloaded{}, fmt.Errorf("cannot download %s: it has changed while it was read", path)
	}
	return got, nil
}

// errTooLarge reports a file beyond the limit of its download.
var errTooLarge = errors.New("it has more bytes than the limit")

// errClosedSink reports content that arrives after its download has ended.
var errClosedSink = errors.New("the download has ended")

// sinkError reports that content of a download could not be written on this side.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

// sink is where the content of a download goes. It never passes on more than limit bytes, and none after close.
type sink struct {
	mu     sync.Mutex // guards what follows; it is held during each Write of to
	to     io.Writer
	limit  int64
	size   int64
	digest hash.Hash
	closed bool
}

// Write implements io.Writer. Its error is a sinkError.
func (s *sink) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return 0, &sinkError{errClosedSink}
	case int64(len(data)) > s.limit-s.size:
		return 0, &sinkError{fmt.Errorf("%w of %d", errTooLarge, s.limit)}
	}
	n, err := s.to.Write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return n, &sinkError{fmt.Errorf("cannot write what was received: %w", err)}
	}
	s.digest.Write(data) // it never returns an error
	s.size += int64(n)
	return n, nil
}

// close waits for a Write that is under way, and returns what was written.
func (s *sink) close() Downloaded {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return Downloaded{Size: s.size, SHA256: hex.EncodeToString(s.digest.Sum(nil))}
}
