package remotetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// Method names a method of [remote.Host].
type Method string

// Methods of [remote.Host].
const (
	Probe      Method = "probe"
	Run        Method = "run"
	ReadFile   Method = "read"
	WriteFiles Method = "write"
	Upload     Method = "upload"
	Download   Method = "download"
)

// Call is an expected call, and its result. Only the fields of its method are compared.
type Call struct {
	Method Method
	// Script is the argument of Probe and Run. Set Stdin, not Script.Stdin, to the expected standard input.
	Script remote.Script
	Stdin  string
	// Path is the argument of ReadFile and Download.
	Path string
	// Limit is the argument of Download.
	Limit int64
	// Files is the argument of WriteFiles.
	Files []remote.File
	// Upload is the argument of Upload.
	Upload remote.Upload

	// Answer is the result of Probe and Run.
	Answer remote.Answer
	// Content is the result of ReadFile, and what Download writes, even if it returns an error.
	Content []byte
	// Changed is the result of WriteFiles. Upload returns whether it is not empty.
	Changed []string
	// Err is the error that the call returns.
	Err error
}

// String formats the call for a transcript. Calls with the same text are equal.
func (c Call) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s ", c.Method)
	switch c.Method {
	case Probe, Run:
		fmt.Fprintf(&out, "%s %q\n%s", c.Script.Name, c.Script.Args, strings.TrimRight(c.Script.Body, "\n"))
		if c.Stdin != "" {
			fmt.Fprintf(&out, "\n<<< %s", c.Stdin)
		}
	case ReadFile:
		out.WriteString(c.Path)
	case WriteFiles:
		for _, file := range c.Files {
			fmt.Fprintf(&out, "\n%s %04o %s\n%s", file.Path, file.Mode, file.Owner, file.Content)
		}
	case Upload:
		fmt.Fprintf(&out, "%s %04o %s sha256:%s", c.Upload.Path, c.Upload.Mode, c.Upload.Owner, c.Upload.SHA256)
	case Download:
		fmt.Fprintf(&out, "%s of %d bytes at most", c.Path, c.Limit)
	}
	return out.String()
}

// Host is a strict fake of [remote.Host].
type Host struct {
	tb      testing.TB
	address netip.Addr

	mu sync.Mutex // guards what follows
	// expected lists the calls that have not been made yet.
	expected   []Call
	transcript []string
}

var _ remote.Host = (*Host)(nil)

// NewHost returns a fake that expects no calls. When the test ends, it fails the test for each expected call that is missing.
func NewHost(tb testing.TB, address netip.Addr) *Host {
	tb.Helper()
	h := &Host{tb: tb, address: address}
	tb.Cleanup(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, call := range h.expected {
			tb.Errorf("host %s: this call did not come:\n%s", address, call)
		}
	})
	return h
}

// Expect appends calls to the expected ones.
func (h *Host) Expect(calls ...Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expected = append(h.expected, calls...)
}

// Transcript returns the calls so far, oldest first.
func (h *Host) Transcript() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.transcript...)
}

// take compares a call with the next expected one, and returns that one for its result.
func (h *Host) take(ctx context.Context, got Call) Call {
	h.tb.Helper()
	if err := ctx.Err(); err != nil {
		return Call{Err: err} // the call would not reach a real host
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.transcript = append(h.transcript, got.String())
	if len(h.expected) == 0 {
		h.tb.Errorf("host %s: unexpected call, none is to come:\n%s", h.address, got)
		return Call{Err: fmt.Errorf("unexpected call: %s", got)}
	}
	next := h.expected[0]
	h.expected = h.expected[1:]
	if diff := cmp.Diff(next.String(), got.String()); diff != "" {
		h.tb.Errorf("host %s: unexpected call (-want +got):\n%s", h.address, diff)
		return Call{Err: fmt.Errorf("unexpected call: %s", got)}
	}
	return next
}

// Address implements remote.Reader.
func (h *Host) Address() netip.Addr { return h.address }

// Probe implements remote.Reader.
func (h *Host) Probe(ctx context.Context, script remote.Script) (remote.Answer, error) {
	h.tb.Helper()
	return h.script(ctx, Probe, script)
}

// Run implements remote.Host.
func (h *Host) Run(ctx context.Context, script remote.Script) (remote.Answer, error) {
	h.tb.Helper()
	return h.script(ctx, Run, script)
}

// script implements Probe and Run.
func (h *Host) script(ctx context.Context, method Method, script remote.Script) (remote.Answer, error) {
	h.tb.Helper()
	got := Call{Method: method, Script: script}
	if script.Stdin != nil {
		input, err := io.ReadAll(script.Stdin)
		if err != nil {
			return remote.Answer{}, err
		}
		got.Stdin = string(input)
	}
	call := h.take(ctx, got)
	if call.Err != nil {
		return remote.Answer{}, call.Err
	}
	return call.Answer, nil
}

// ReadFile implements remote.Reader.
func (h *Host) ReadFile(ctx context.Context, path string) ([]byte, error) {
	h.tb.Helper()
	call := h.take(ctx, Call{Method: ReadFile, Path: path})
	return call.Content, call.Err
}

// WriteFiles implements remote.Host.
func (h *Host) WriteFiles(ctx context.Context, files []remote.File) ([]string, error) {
	h.tb.Helper()
	call := h.take(ctx, Call{Method: WriteFiles, Files: files})
	return call.Changed, call.Err
}

// Upload implements remote.Host. It checks the content against the digest, unless it is compressed, and the size.
func (h *Host) Upload(ctx context.Context, upload remote.Upload) (bool, error) {
	h.tb.Helper()
	call := h.take(ctx, Call{Method: Upload, Upload: upload})
	if call.Err != nil {
		return false, call.Err
	}
	content, err := upload.Open()
	if err != nil {
		return false, err
	}
	defer content.Close()
	digest := sha256.New()
	size, err := io.Copy(digest, content)
	if err != nil {
		return false, err
	}
	if size != upload.Size || !upload.Gzip && fmt.Sprintf("%x", digest.Sum(nil)) != upload.SHA256 {
		h.tb.Errorf("host %s: upload of %s: %d bytes of digest %x, not %d of %s",
			h.address, upload.Path, size, digest.Sum(nil), upload.Size, upload.SHA256)
	}
	return len(call.Changed) > 0, nil
}

// Download implements remote.Host.
func (h *Host) Download(ctx context.Context, path string, limit int64, to io.Writer) (remote.Downloaded, error) {
	h.tb.Helper()
	call := h.take(ctx, Call{Method: Download, Path: path, Limit: limit})
	if _, err := to.Write(call.Content); err != nil {
		return remote.Downloaded{}, err
	}
	if call.Err != nil {
		return remote.Downloaded{}, call.Err
	}
	return remote.Downloaded{Size: int64(len(call.Content)), SHA256: fmt.Sprintf("%x", sha256.Sum256(call.Content))}, nil
}
