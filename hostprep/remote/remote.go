package remote

import (
	"context"
	"io"
	"io/fs"
	"net/netip"
	"strings"
	"time"
)

// Reader reads from a host and never changes it.
type Reader interface {
	// Address returns the host's address as the manifests specify it.
	Address() netip.Addr
	// Probe runs a script that only reads. [Limits.Read] bounds it.
	Probe(ctx context.Context, script Script) (Answer, error)
	// ReadFile returns the content of a file. The error matches fs.ErrNotExist when the file is missing.
	ReadFile(ctx context.Context, path string) ([]byte, error)
}

// Host is a [Reader] that can also change the host. Its methods are safe for concurrent use. A call that
// failed may be repeated.
type Host interface {
	Reader
	// Run runs a script that changes the host. [Limits.Change] bounds it.
	Run(ctx context.Context, script Script) (Answer, error)
	// WriteFiles makes files match their desired content, mode and owner in one round trip. It returns the paths of the
	// files that it changed, in the order of files. All new content is on the host and verified before the first file is
	// replaced. After an error some files may have been replaced nevertheless.
	WriteFiles(ctx context.Context, files []File) ([]string, error)
	// Upload makes one large file match its desired content, mode and owner, and reports whether it changed the file. It
	// resumes an interrupted upload of the same content, even one from an earlier connection.
	Upload(ctx context.Context, upload Upload) (bool, error)
	// Download copies a large file of the host to a writer, and returns the size and the digest of what it has copied. A
	// symbolic link is followed. The host computes the digest of the file before it sends it, so that a file that changes
	// meanwhile is an error. So is a file that has more than limit bytes, is not a regular one, or does not arrive
	// completely. The error matches fs.ErrNotExist when the file is missing.
	//
	// Download writes at most limit bytes, and none after it has returned. After an error, discard what was written: another
	// call begins at the beginning.
	// [Limits.Change] bounds the time for each MiB, writing included. When ctx ends, Download returns as soon as a Write
	// that is under way does.
	Download(ctx context.Context, path string, limit int64, to io.Writer) (Downloaded, error)
}

// ReadOnly restricts a host to its Reader methods. A type assertion cannot recover the Host.
func ReadOnly(host Host) Reader { return readOnly{host} }

// readOnly hides the methods of Host: its only field is of the interface type Reader.
type readOnly struct{ Reader }

// Script is a program for the host's sh. It runs as root under set -eu with LC_ALL=C. Its standard input is empty
// unless Stdin is set. The body and the arguments must not contain NUL.
type Script struct {
	// Name identifies the script in logs and errors, as in "install containerd".
	Name string
	// Body is the program. It calls
	//
	//	answer NAME COMMAND [ARGUMENT...]
	//
	// to run a command and report its standard output and exit status as the answer of that name. Each name can be
	// answered once. A command that fails this way does not end the script. The standard output of everything else is
	// redirected to standard error. Values come from Args, as "$files" and so on, never from formatting the body.
	//
	//	progress [SECONDS]
	//
	// called outside of answers, reports that the script has made progress, and that its next step may take SECONDS
	// longer because the step has a timeout of its own, as waiting for a lock or kubeadm do. A script that does not
	// call it has to finish within [Limits].
	Body string
	// Args are variables of the body. They may hold secrets: no process has them in its arguments or its environment unless
	// the body puts them there. [NewScript] checks that they are those which the body uses.
	Args Args
	// Stdin is the body's standard input; empty when nil. Upload and WriteFiles send content this way.
	Stdin io.Reader
	// Lasts marks a body that runs for as long as its input does. The watchdog pauses until the input ends.
	Lasts bool
}

// Answer is the result of a script that succeeded.
type Answer struct {
	// Values holds the answers by name.
	Values map[string]Value
	// Stderr is everything that the script printed outside of its answers. The middle of a long text is left out.
	Stderr   string
	Duration time.Duration // from the request to start the script to its end
}

// Value is the result of one command that ran under answer.
type Value struct {
	Output []byte // standard output, unchanged
	// Status is the exit status of the command.
	Status int
}

// Text returns the output of the named answer without trailing newlines, as $(...) does. It returns "" when there is no
// such answer.
func (a Answer) Text(name string) string {
	return strings.TrimRight(string(a.Values[name].Output), "\n")
}

// File is the desired state of a small file on a host. A symbolic link or any other special file at its path is replaced
// by a plain file; a directory at its path is an error. Missing parent directories are created.
type File struct {
	// Path is absolute and clean.
	Path string
	// Mode holds the permission bits; other bits are an error.
	Mode fs.FileMode
	// Owner is USER:GROUP, by name or number; root:root when empty.
	Owner   string
	Content []byte
}

// Upload is the desired state of a file that is too large to hold in memory.
type Upload struct {
	// Path, Mode and Owner have the meaning they have in [File].
	Path  string
	Mode  fs.FileMode
	Owner string
	// SHA256 is the hexadecimal digest of the file on the host, after decompression.
	SHA256 string
	// Open opens the content to send, at its beginning. It may be called several times.
	Open func() (io.ReadCloser, error)
	// Size is the length in bytes of the content that Open returns, before decompression.
	Size int64
	// Gzip marks the content that Open returns as compressed. The host decompresses it.
	Gzip bool
}
