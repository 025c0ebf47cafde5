package change

import (
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// Desired is what a host has to be. What is not mentioned stays as it is.
type Desired struct {
	Files       []File
	Sysctls     []Sysctl
	Modules     []string
	Executables []Executable
	Images      []Image
	Programs    []Program
	Units       []Unit
	// Firewalld concerns only hosts on which it runs.
	Firewalld firewalld.Wanted
	// Baseline is what others will change later.
	Baseline Baseline
}

// File is a text file.
type File struct {
	// Path is absolute.
	Path string
	Mode fs.FileMode
	// Owner is USER:GROUP; root:root when empty.
	Owner   string
	Content []byte
	// Secret keeps the content out of diffs.
	Secret bool
	// Restarts are the units that read the file when they start.
	Restarts []string
}

// Sysctl is a kernel setting at run time. What sets it at the next start is a File.
type Sysctl struct {
	// Key is the path below /proc/sys.
	Key, Value string
	// Shared says that it is not this host's alone, as that of the kernel around a container. Then it is
	// set and never set back: others may have come to need it.
	Shared bool
	// Optional says that a kernel without it is as good: nothing is set there.
	Optional bool
	// Least says that Value is a number, and a larger one is as good.
	Least bool
}

// Executable is a program that is sent to the host.
type Executable struct {
	Path string
	Mode fs.FileMode
	// SHA256 is the digest in hexadecimal of the program itself.
	SHA256 string
	// Open gives it compressed with gzip, and Size is how many bytes that are.
	Open func() (io.ReadCloser, error)
	Size int64
	// Restarts are the units that run it.
	Restarts []string
}

// Image is a container image that is sent to the host.
type Image struct {
	Reference string
	// Digest is that of the manifest or index behind the reference, as in sha256:...
	Digest string
	// Open gives the archive, Size and SHA256 are its.
	Open   func() (io.ReadCloser, error)
	Size   int64
	SHA256 string
}

// Program is one that comes from the host's own package manager.
type Program struct {
	Name string
	// Apt and Dnf are the packages that have it.
	Apt, Dnf string
}

// Unit is a unit of systemd that starts with the host.
type Unit struct {
	Name string
	// Start starts it now as well.
	Start bool
}

// ParseSysctls reads a file of sysctl.d.
func ParseSysctls(content []byte) ([]Sysctl, error) {
	var sysctls []Sysctl
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if !found {
			return nil, fmt.Errorf("cannot read sysctl %q: it has no value", line)
		}
		key, optional := strings.CutPrefix(strings.TrimSpace(key), "-") // systemd passes over those that fail
		sysctls = append(sysctls, Sysctl{Key: sysctlPath(key), Value: strings.TrimSpace(value), Optional: optional})
	}
	return sysctls, nil
}

// sysctlPath follows sysctl.d(5): dots and slashes change places, unless a slash comes first.
func sysctlPath(key string) string {
	if at := strings.IndexAny(key, "./"); at < 0 || key[at] == '/' {
		return key
	}
	return swapped(key)
}

// sysctlName is how people write a path: sysctlPath the other way round.
func sysctlName(path string) string { return swapped(path) }

func swapped(key string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		default:
			return r
		}
	}, key)
}

// ParseModules reads a file of modules-load.d.
func ParseModules(content []byte) []string {
	var modules []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
			modules = append(modules, strings.ReplaceAll(line, "-", "_"))
		}
	}
	return modules
}
