package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/dualstrap/dualstrap/internal/localfile"
)

// key is a key to log in with.
type key struct {
	ssh.Signer
	// name is the origin of the key, for messages.
	name string
}

// String identifies the key in messages: origin, type and fingerprint.
func (k key) String() string {
	return fmt.Sprintf("%s (%s %s)", k.name, k.PublicKey().Type(), ssh.FingerprintSHA256(plainKey(k.PublicKey())))
}

// plainKey returns the key in a certificate, or the key itself.
func plainKey(public ssh.PublicKey) ssh.PublicKey {
	if cert, ok := public.(*ssh.Certificate); ok {
		return cert.Key
	}
	return public
}

// keyring finds keys in the agent and in files. Each is read once per run.
type keyring struct {
	agent sshAgent

	mu    sync.Mutex // guards files
	files map[string]fileKey
}

// fileKey is the result of reading a key file.
type fileKey struct {
	keys []key
	err  error
}

// file returns the keys of a file. held lists the agent's keys, which a file can refer to.
func (r *keyring) file(path string, held []key) ([]key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Files are read under the lock: concurrent logins would otherwise read each file once per host.
	found, read := r.files[path]
	if !read {
		found.keys, found.err = fileKeys(path, held)
		r.files[path] = found
	}
	return found.keys, found.err
}

// keys returns the keys to try, in order of preference, and notes about keys that cannot be used.
func (r *keyring) keys(choice identityChoice) (keys []key, notes []string) {
	held, err := r.agent.keys()
	if err != nil {
		notes = append(notes, err.Error())
	}
	for _, path := range choice.paths {
		found, err := r.file(path, held)
		switch {
		case err == nil:
			keys = append(keys, found...)
		case choice.chosen || !errors.Is(err, fs.ErrNotExist):
			notes = append(notes, err.Error())
		}
	}
	if choice.only {
		return keys, notes
	}
	// A key that the user named is tried before those of the agent, a default file after them. sshd disconnects after
	// MaxAuthTries keys (6 by default), so the order matters.
	if choice.chosen {
		return appendMissing(keys, held), notes
	}
	return appendMissing(held, keys), notes
}

// appendMissing returns keys followed by those of more that are not among them.
func appendMissing(keys, more []key) []key {
	keys = slices.Clone(keys)
	for _, k := range more {
		if findKey(keys, k.PublicKey()) < 0 {
			keys = append(keys, k)
		}
	}
	return keys
}

// maxKey is the largest key file to read, in bytes; no key comes close, even with a certificate or comments.
const maxKey = 1 << 20

// findKey returns the index of the key with the given public key, or -1.
func findKey(keys []key, public ssh.PublicKey) int {
	return slices.IndexFunc(keys, func(k key) bool { return bytes.Equal(k.PublicKey().Marshal(), public.Marshal()) })
}

// fileKeys returns the key of a file, after its certificate if there is one beside it. Like OpenSSH, it uses the agent when
// there is only a public key, or the private key has a passphrase.
func fileKeys(path string, held []key) ([]key, error) {
	data, err := localfile.Read(path, maxKey)
	if errors.Is(err, fs.ErrNotExist) && readPublicKey(path+".pub") != nil {
		return heldKeys(path, readPublicKey(path+".pub"), held)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read key: %w", err)
	}
	if public := parsePublicKey(data); public != nil {
		return heldKeys(path, public, held) // a public key selects one of the agent's keys
	}
	signer, err := ssh.ParsePrivateKey(data)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		public := missing.PublicKey // nil in the older PEM formats, which encrypt the public key as well
		if public == nil {
			public = readPublicKey(path + ".pub")
		}
		return heldKeys(path, public, held)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use key %s: %s", path, strings.TrimPrefix(err.Error(), "ssh: "))
	}
	return withCertificate(path, key{Signer: signer, name: path}), nil
}

// heldKeys returns the key of a file that only the agent can use.
func heldKeys(path string, public ssh.PublicKey, held []key) ([]key, error) {
	if public != nil {
		if at := findKey(held, public); at >= 0 {
			return withCertificate(path, key{Signer: held[at].Signer, name: path + " in the agent"}), nil
		}
	}
	return nil, fmt.Errorf("cannot use key %s without its passphrase: the agent does not hold it (try: ssh-add %s)", path, path)
}

// withCertificate returns a key, after the certificate that belongs to it if there is one beside its file.
func withCertificate(path string, plain key) []key {
	path = strings.TrimSuffix(path, ".pub")
	cert, ok := readPublicKey(path + "-cert.pub").(*ssh.Certificate)
	if !ok {
		return []key{plain}
	}
	signer, err := ssh.NewCertSigner(cert, plain.Signer)
	if err != nil {
		return []key{plain} // the certificate belongs to another key
	}
	return []key{{Signer: signer, name: path + "-cert.pub"}, plain}
}

// readPublicKey returns the public key or certificate of a file, or nil if the file holds neither.
func readPublicKey(path string) ssh.PublicKey {
	data, err := localfile.Read(path, maxKey)
	if err != nil {
		return nil
	}
	return parsePublicKey(data)
}

// parsePublicKey parses a public key or certificate; it returns nil for anything else.
func parsePublicKey(data []byte) ssh.PublicKey {
	public, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil
	}
	return public
}
