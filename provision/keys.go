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

// keyFiles are the files of keys that API servers encrypt Secrets with, one on each control plane node. What is in them
// is in the memory of this program only, and on those nodes.
type keyFiles struct {
	// path is where they are.
	path string
	// secrets get every key that is read or made.
	secrets *remote.Secrets
}

func (s *Session) keyFiles() keyFiles {
	return keyFiles{path: render.EncryptionConfig, secrets: s.secrets}
}

// keyFile is one of them. The zero value is one that is not there.
type keyFile struct {
	content []byte
	config  encryption.Config
	// exposed says that its mode or owner is not what it has to be.
	exposed bool
}

func (f keyFile) exists() bool { return f.content != nil }

// has reports whether the file is there, and as it has to be.
func (f keyFile) has(content []byte) bool {
	return f.exists() && !f.exposed && string(f.content) == string(content)
}

// keyFileMode is that of the files, whose owner is root.
const keyFileMode = 0o600

// KeyFileError is a file of keys that dualstrap has not written.
type KeyFileError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *KeyFileError) Error() string { return fmt.Sprintf("refused to use %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *KeyFileError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *KeyFileError) Hint() string {
	return "find out who changed the file, and bring it back from a backup; where another control plane node has it, remove it here, " +
		"and dualstrap create cluster brings it back"
}

// read reads a host's file. The error is a [KeyFileError] where it is not one of ours.
func (k keyFiles) read(ctx context.Context, host remote.Reader) (keyFile, error) {
	s, err := script("read the keys of Secrets", "encryption_read", k.path, strconv.Itoa(encryption.MaxSize+1))
	if err != nil {
		return keyFile{}, err
	}
	s.Body = remote.LockScript() + s.Body
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
	exposed := answer.Text("mode") != fmt.Sprintf("%o root:root", keyFileMode)
	return keyFile{content: content.Output, config: config, exposed: exposed}, nil
}

// draw has a host make a new key.
func (k keyFiles) draw(ctx context.Context, host remote.Reader) (string, error) {
	s, err := script("make a key for Secrets", "encryption_key")
	if err != nil {
		return "", err
	}
	answer, err := host.Probe(ctx, s)
	if err != nil {
		return "", err
	}
	secret := answer.Text("key")
	k.secrets.Add(secret)
	if err := encryption.CheckSecret(secret); err != nil {
		return "", fmt.Errorf("%s cannot make a key for Secrets: %w", host.Address(), err)
	}
	return secret, nil
}

// write brings a host's file up to date.
func (k keyFiles) write(ctx context.Context, host remote.Host, content []byte) error {
	_, err := host.WriteFiles(ctx, []remote.File{{Path: k.path, Mode: keyFileMode, Content: content}})
	return err
}
