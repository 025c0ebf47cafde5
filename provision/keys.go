package provision

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/render"
)

// keyFiles reads and writes the files with the keys that API servers encrypt Secrets with, one on each control plane node.
// Their contents exist only there and in the memory of this process; they are never written on this machine.
type keyFiles struct {
	// path is the path of the file on every host.
	path string
	// secrets redacts keys in logs. Every key that is read or generated is added.
	secrets *remote.Secrets
}

// keyFiles returns the key files of the session's hosts.
func (s *Session) keyFiles() keyFiles {
	return keyFiles{path: render.EncryptionConfig, secrets: s.secrets}
}

// keyFile is the key file of a host. The zero value is a missing file.
type keyFile struct {
	content []byte
	config  encryption.Config // parsed from content
	// exposed reports whether the mode is not keyFileMode or the owner is not root.
	exposed bool
}

// exists reports whether the host has a key file.
func (f keyFile) exists() bool { return f.content != nil }

// matches reports whether the file has this content, and the right mode and owner.
func (f keyFile) matches(content []byte) bool {
	return f.exists() && !f.exposed && string(f.content) == string(content)
}

// keyFileMode is the mode of key files. Their owner is root.
const keyFileMode = 0o600

// KeyFileError reports a key file that dualstrap has not written.
type KeyFileError struct {
	// Path is the path on the host; the error does not name the host, because the failed phase does.
	Path string
	Err  error
}

// Error implements error.
func (e *KeyFileError) Error() string { return fmt.Sprintf("refused to use %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *KeyFileError) Unwrap() error { return e.Err }

// Hint returns the ways to solve the problem.
func (e *KeyFileError) Hint() string {
	return "find out who changed the file, and bring it back from a backup; where another control plane node has it, remove it here, " +
		"and dualstrap create cluster brings it back"
}

// read reads the key file of a host. It returns the zero keyFile if the file is missing. The error is a [KeyFileError] if the
// file is not one that dualstrap writes.
func (k keyFiles) read(ctx context.Context, host remote.Reader) (keyFile, error) {
	// One byte more than the maximum is enough for Parse to reject a file that is too large.
	s, err := script("read the keys of Secrets", "encryption_read", remote.Args{
		"path": k.path, "limit": strconv.Itoa(encryption.MaxSize + 1),
	})
	if err != nil {
		return keyFile{}, err
	}
	s.Body = remote.LockScript() + s.Body // it defines wait_unlocked
	answer, err := host.Probe(ctx, s)
	if err != nil {
		return keyFile{}, err
	}
	content, there := answer.Values["content"]
	if !there {
		return keyFile{}, nil
	}
	if content.Status != 0 {
		return keyFile{}, &KeyFileError{Path: k.path, Err: errors.New("it cannot be read")}
	}
	config, err := encryption.Parse(content.Output)
	if err != nil {
		return keyFile{}, &KeyFileError{Path: k.path, Err: err}
	}
	for _, key := range config.Keys {
		k.secrets.Add(key.Secret)
	}
	// stat prints the permission bits without a leading zero.
	exposed := answer.Text("mode") != fmt.Sprintf("%o root:root", keyFileMode)
	return keyFile{content: content.Output, config: config, exposed: exposed}, nil
}

// generate generates a new key on a host, from the kernel's random numbers, and returns it in base64.
func (k keyFiles) generate(ctx context.Context, host remote.Reader) (string, error) {
	s, err := script("make a key for Secrets", "encryption_key", nil)
	if err != nil {
		return "", err
	}
	answer, err := host.Probe(ctx, s)
	if err != nil {
		return "", err
	}
	secret := answer.Text("key")
	k.secrets.Add(secret) // also if it is malformed: it may be part of a key
	if err := encryption.CheckSecret(secret); err != nil {
		return "", fmt.Errorf("%s cannot make a key for Secrets: %w", host.Address(), err)
	}
	return secret, nil
}

// write replaces the key file of a host.
func (k keyFiles) write(ctx context.Context, host remote.Host, content []byte) error {
	_, err := host.WriteFiles(ctx, []remote.File{{Path: k.path, Mode: keyFileMode, Content: content}})
	return err
}
