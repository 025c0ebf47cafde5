package change

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/osfamily"
)

// Desired is the desired state of a host. Everything that it does not mention is left alone.
type Desired struct {
	Files       []File
	Sysctls     []Sysctl
	Modules     []string
	Executables []Executable
	Images      []Image
	Programs    []Program
	// Family is the one whose package manager installs the packages of Programs.
	Family osfamily.Family
	Units  []Unit
	// Firewalld is ignored on hosts on which firewalld does not run.
	Firewalld firewalld.Wanted
	// Baseline describes state that other programs will change later.
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
	// Secret keeps the content out of diffs. Of the present file, the host only sends the digest.
	Secret bool
	// Restarts lists the units that read the file when they start, so that a change restarts them.
	Restarts []string
}

// Sysctl is a kernel setting at run time. Persisting it across reboots takes a File in sysctl.d.
type Sysctl struct {
	// Key is the path below /proc/sys, such as net/ipv4/ip_forward.
	Key, Value string
	// Shared reports that the setting is not this host's alone, like those of the kernel that a container
	// shares with its machine. It is set but neither recorded nor restored: others may rely on it by then.
	Shared bool
	// Optional skips the setting on kernels that do not have it.
	Optional bool
	// Least reports that Value is a number and a minimum: a larger value on the host is left alone.
	Least bool
}

// Executable is a program that is uploaded to the host.
type Executable struct {
	// Path is absolute.
	Path string
	Mode fs.FileMode
	// SHA256 is the digest, in hexadecimal, of the uncompressed program.
	SHA256 string
	// Open returns the program compressed with gzip. Size is the number of compressed bytes.
	Open func() (io.ReadCloser, error)
	Size int64
	// Restarts lists the units that run the program, so that a new version restarts them.
	Restarts []string
}

// Image is a container image that is uploaded to the host and imported into containerd.
type Image struct {
	// Reference is the full name, with registry and tag.
	Reference string
	// Digest is the digest of the manifest or index that the reference points to, in the form sha256:HEX.
	Digest string
	// Open returns the archive. Size is its length in bytes, SHA256 its digest in hexadecimal.
	Open   func() (io.ReadCloser, error)
	Size   int64
	SHA256 string
}

// name returns the last element of the reference, without tag and digest.
func (i *Image) name() string {
	name := path.Base(i.Reference)
	if end := strings.IndexAny(name, ":@"); end >= 0 {
		return name[:end]
	}
	return name
}

// Program is an executable that is installed with the host's own package manager.
type Program struct {
	// Name is looked up in the host's PATH.
	Name string
	// Package is the package that contains the program; empty if it is not known.
	Package string
}

// Unit is a systemd unit that is enabled, so that it starts at boot.
type Unit struct {
	Name string
	// Start also starts the unit now.
	Start bool
}

// ParseSysctls parses the content of a file of sysctl.d, see sysctl.d(5). A key with a leading dash, whose
// failure systemd ignores, becomes an optional sysctl.
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
		key, optional := strings.CutPrefix(strings.TrimSpace(key), "-")
		sysctls = append(sysctls, Sysctl{Key: sysctlPath(key), Value: strings.TrimSpace(value), Optional: optional})
	}
	return sysctls, nil
}

// sysctlPath converts a key to a path below /proc/sys. As in sysctl.d(5), dots and slashes are swapped
// unless the first separator is a slash: net.ipv4.conf.eth0/5.forwarding is net/ipv4/conf/eth0.5/forwarding.
func sysctlPath(key string) string {
	if at := strings.IndexAny(key, "./"); at < 0 || key[at] == '/' {
		return key
	}
	return swapSeparators(key)
}

// sysctlName returns the dotted key for a path below /proc/sys. It is the inverse of sysctlPath.
func sysctlName(path string) string { return swapSeparators(path) }

// swapSeparators replaces dots by slashes and slashes by dots: the name of an interface may contain a dot.
func swapSeparators(key string) string {
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

// ParseModules parses the content of a file of modules-load.d. Dashes become underscores, as in /sys/module.
func ParseModules(content []byte) []string {
	var modules []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
			modules = append(modules, strings.ReplaceAll(line, "-", "_"))
		}
	}
	return modules
}
