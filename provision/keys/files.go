package keys

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strconv"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/encryption"
)

//go:embed scripts/*.sh
var scripts embed.FS

// Files reads and writes the files with the keys that API servers encrypt Secrets with, one on each control plane node.
// Their contents exist only there and in the memory of this process; they are never written on this machine.
type Files struct {
	// Path is the path of the file on every host.
	Path string
	// Secrets redacts keys in logs. Every key that is read or generated is added.
	Secrets *remote.Secrets
}

// File is the key file of a host. The zero value is a missing file.
type File struct {
	Content []byte
	Config  encryption.Config // parsed from Content
	// Exposed reports whether the mode is not fileMode or the owner is not root.
	Exposed bool
}

// Exists reports whether the host has a key file.
func (f File) Exists() bool { return f.Content != nil }

// matches reports whether the file has this content, and the right mode and owner.
func (f File) matches(content []byte) bool {
	return f.Exists() && !f.Exposed && string(f.Content) == string(content)
}

// fileMode is the mode of key files. Their owner is root.
const fileMode = 0o600

// FileError reports a key file that dualstrap has not written.
type FileError struct {
	// Path is the path on the host; the error does not name the host, because the failed phase does.
	Path string
	Err  error
}

// Error implements error.
func (e *FileError) Error() string { return fmt.Sprintf("refused to use %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// Hint returns the ways to solve the problem.
func (e *FileError) Hint() string {
	return "find out who changed the file, and bring it back from a backup; where another control plane node has it, remove it here, " +
		"and dualstrap create cluster brings it back"
}

// Read reads the key file of a host. It returns the zero File if the file is missing. The error is a [FileError] if the
// file is not one that dualstrap writes.
func (k Files) Read(ctx context.Context, host remote.Reader) (File, error) {
	// One byte more than the maximum is enough for Parse to reject a file that is too large.
	s, err := remote.EmbeddedScript(scripts, "read the keys of Secrets", remote.Args{
		"path": k.Path, "limit": strconv.Itoa(encryption.MaxSize + 1),
	}, "read_key_file")
	if err != nil {
		return File{}, err
	}
	answer, err := host.Probe(ctx, s.After(remote.LockScript())) // it defines wait_unlocked
	if err != nil {
		return File{}, err
	}
	content, there := answer.Values["content"]
	if !there {
		return File{}, nil
	}
	if content.Status != 0 {
		return File{}, &FileError{Path: k.Path, Err: errors.New("it cannot be read")}
	}
	config, err := encryption.Parse(content.Output)
	if err != nil {
		return File{}, &FileError{Path: k.Path, Err: err}
	}
	for _, key := range config.Keys {
		k.Secrets.Add(key.Secret)
	}
	// stat prints the permission bits without a leading zero.
	exposed := answer.Text("mode") != fmt.Sprintf("%o root:root", fileMode)
	return File{Content: content.Output, Config: config, Exposed: exposed}, nil
}

// generate generates a new key on a host, from the kernel's random numbers, and returns it in base64.
func (k Files) generate(ctx context.Context, host remote.Reader) (string, error) {
	s, err := remote.EmbeddedScript(scripts, "make a key for Secrets", nil, "generate_key")
	if err != nil {
		return "", err
	}
	answer, err := host.Probe(ctx, s)
	if err != nil {
		return "", err
	}
	secret := answer.Text("key")
	k.Secrets.Add(secret) // also if it is malformed: it may be part of a key
	if err := encryption.CheckSecret(secret); err != nil {
		return "", fmt.Errorf("%s cannot make a key for Secrets: %w", host.Address(), err)
	}
	return secret, nil
}

// write replaces the key file of a host.
func (k Files) write(ctx context.Context, host remote.Host, content []byte) error {
	_, err := host.WriteFiles(ctx, []remote.File{{Path: k.Path, Mode: fileMode, Content: content}})
	return err
}
