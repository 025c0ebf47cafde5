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

// Method is one of a host's.
type Method string

// The methods of remote.Host.
const (
	Probe      Method = "probe"
	Run        Method = "run"
	ReadFile   Method = "read"
	WriteFiles Method = "write"
	Upload     Method = "upload"
)

// Call is one call of a host, and what it gives. Of the fields, those count that the method has.
type Call struct {
	Method Method
	// Script is that of Probe and Run; Stdin, which it is read into, what stands on its standard input.
	Script remote.Script
	Stdin  string
	// Path is the one of ReadFile.
	Path string
	// Files are those of WriteFiles.
	Files []remote.File
	// Upload is that of Upload.
	Upload remote.Upload

	// Answer is what Probe and Run give.
	Answer remote.Answer
	// Content is what ReadFile gives.
	Content []byte
	// Changed is what WriteFiles gives, and whether it has anything what Upload gives.
	Changed []string
	// Err is what the call fails with.
	Err error
}

// String is the call in a transcript. It tells calls apart.
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
	}
	return out.String()
}

// Host is a strict fake of a remote.Host.
type Host struct {
	tb      testing.TB
	address netip.Addr

	mu         sync.Mutex
	expected   []Call
	transcript []string
}

var _ remote.Host = (*Host)(nil)

// NewHost makes a fake that expects nothing. When the test ends, all that it was told to expect must
// have come.
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

// Expect adds calls to those that are to come.
func (h *Host) Expect(calls ...Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expected = append(h.expected, calls...)
}

// Transcript gives the calls that came, in their order.
func (h *Host) Transcript() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.transcript...)
}

// take is one call. The one it is equal to tells what to give.
func (h *Host) take(ctx context.Context, got Call) Call {
	h.tb.Helper()
	if err := ctx.Err(); err != nil {
		return Call{Err: err} // a real host would not hear of it
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

// Upload implements remote.Host. It holds the caller to the digest and the size.
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
	defer content.Close() //nolint:errcheck // it was only read
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
