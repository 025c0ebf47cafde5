package remote

import (
	"context"
	"io"
	"io/fs"
	"net/netip"
	"strings"
	"time"
)

// Reader looks at a host and changes nothing.
type Reader interface {
	// Address is the host's, as the manifests name it.
	Address() netip.Addr
	// Probe runs a script that only reads.
	Probe(ctx context.Context, script Script) (Answer, error)
	// ReadFile gives the content of a file, or fs.ErrNotExist.
	ReadFile(ctx context.Context, path string) ([]byte, error)
}

// Host is a [Reader] that can also change the host. Every method may be called at any time from any
// goroutine, and can be called again when it failed.
type Host interface {
	Reader
	// Run runs a script that changes the host.
	Run(ctx context.Context, script Script) (Answer, error)
	// WriteFiles brings files up to date in one round trip and gives the paths of those that were not,
	// in the order of files. All new content is on the host and verified before the first file is
	// replaced. Where it fails, files may have been replaced all the same.
	WriteFiles(ctx context.Context, files []File) ([]string, error)
	// Upload brings one large file up to date and reports whether it was not. It takes up where an
	// upload of the same content was cut off, even on an earlier connection.
	Upload(ctx context.Context, upload Upload) (bool, error)
}

// ReadOnly hides all of a host but its Reader, even from a type assertion.
func ReadOnly(host Host) Reader { return readOnly{host} }

type readOnly struct{ Reader }

// Script is a program for the host's sh. It runs as root under set -eu, with LC_ALL=C and an empty
// standard input unless there is one given here.
type Script struct {
	// Name is what logs and errors call the script, as in "install containerd".
	Name string
	// Body is the program. It calls
	//
	//	answer NAME COMMAND [ARGUMENT...]
	//
	// to run a command and give what it prints, and its exit status, as the answer of that name. A
	// command that fails so does not end the script. The standard output of everything else joins
	// standard error. Values come from Args, as "$1" and so on, never from formatting the body.
	//
	//	progress [SECONDS]
	//
	// says, outside of answers, that the script has come a step further, and that the next one may take some time by
	// its own time-out: waiting for a lock, kubeadm. Without it a script has [Limits] to come to its end.
	Body string
	// Args may hold secrets: they are in no process's arguments, unless the body puts them there.
	Args []string
	// Stdin is what the body reads.
	Stdin io.Reader
	// Lasts says that the body goes on for as long as its input does. It is waited for from then on.
	Lasts bool
}

// Answer is what a script said. A script that failed has none, but an error.
type Answer struct {
	Values map[string]Value
	// Stderr is what the script printed beside its answers: its beginning and end when it is long.
	Stderr   string
	Duration time.Duration
}

// Value is one answer of a script.
type Value struct {
	Output []byte
	// Status is the exit status of the command.
	Status int
}

// Text gives the output of the answer of the given name without line ends at its end, as $(...) does;
// "" when there is no such answer.
func (a Answer) Text(name string) string {
	return strings.TrimRight(string(a.Values[name].Output), "\n")
}

// File is a file to be on a host. What is not a plain file at its path, as a symbolic link, is
// replaced by one; a directory there is an error. Missing directories above it are made.
type File struct {
	// Path is absolute.
	Path string
	// Mode is the permission bits.
	Mode fs.FileMode
	// Owner is USER:GROUP, by names or numbers; root:root when empty.
	Owner   string
	Content []byte
}

// Upload is a file to be on a host that is too large to hold in memory.
type Upload struct {
	// Path, Mode and Owner are those of a [File].
	Path  string
	Mode  fs.FileMode
	Owner string
	// SHA256 is the digest in hexadecimal that the file has in the end.
	SHA256 string
	// Open gives what is sent, from its beginning. It may be called several times.
	Open func() (io.ReadCloser, error)
	// Size is how many bytes Open gives.
	Size int64
	// Gzip says that what Open gives is compressed. The host decompresses it.
	Gzip bool
}
