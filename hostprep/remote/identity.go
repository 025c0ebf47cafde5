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

// key is one key to log in with.
type key struct {
	ssh.Signer
	// name is where it comes from, for messages.
	name string
}

// String is how messages call it.
func (k key) String() string {
	return fmt.Sprintf("%s (%s %s)", k.name, k.PublicKey().Type(), ssh.FingerprintSHA256(plainKey(k.PublicKey())))
}

// plainKey is the key of a certificate, or the key itself.
func plainKey(public ssh.PublicKey) ssh.PublicKey {
	if cert, ok := public.(*ssh.Certificate); ok {
		return cert.Key
	}
	return public
}

// keyring finds keys: in the agent, which is asked once and then shared, and in files, which are read once.
type keyring struct {
	agent sshAgent

	mu    sync.Mutex
	files map[string]fileKey
}

// fileKey is what a key file gives.
type fileKey struct {
	keys []key
	err  error
}

// file gives the keys of a file, which is read once.
func (r *keyring) file(path string, held []key) ([]key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, read := r.files[path]
	if !read {
		found.keys, found.err = fileKeys(path, held)
		r.files[path] = found
	}
	return found.keys, found.err
}

// keys gives the keys to try, in order, and notes on those that cannot be used.
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
	// A key that somebody named comes before what the agent happens to hold; a usual file after it.
	if choice.chosen {
		return without(keys, held), notes
	}
	return without(held, keys), notes
}

// without appends those keys that are not there yet.
func without(keys, more []key) []key {
	keys = slices.Clone(keys)
	for _, k := range more {
		if findKey(keys, k.PublicKey()) < 0 {
			keys = append(keys, k)
		}
	}
	return keys
}

// maxKey is more than any key has, with its certificate or comments.
const maxKey = 1 << 20

func findKey(keys []key, public ssh.PublicKey) int {
	return slices.IndexFunc(keys, func(k key) bool { return bytes.Equal(k.PublicKey().Marshal(), public.Marshal()) })
}

// fileKeys gives a key file's key, after its certificate where there is one beside it.
func fileKeys(path string, held []key) ([]key, error) {
	data, err := localfile.Read(path, maxKey)
	if errors.Is(err, fs.ErrNotExist) && readPublicKey(path+".pub") != nil {
		return heldKeys(path, readPublicKey(path+".pub"), held)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read key: %w", err)
	}
	if public := parsePublicKey(data); public != nil {
		return heldKeys(path, public, held) // a public key names one of the agent's
	}
	signer, err := ssh.ParsePrivateKey(data)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		public := missing.PublicKey // nil in the old formats, which encrypt it, too
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

// heldKeys gives the key of a file that only the agent can use.
func heldKeys(path string, public ssh.PublicKey, held []key) ([]key, error) {
	if public != nil {
		if at := findKey(held, public); at >= 0 {
			return withCertificate(path, key{Signer: held[at].Signer, name: path + " in the agent"}), nil
		}
	}
	return nil, fmt.Errorf("cannot use key %s without its passphrase: the agent does not hold it (try: ssh-add %s)", path, path)
}

// withCertificate puts the certificate beside a key file before its key.
func withCertificate(path string, plain key) []key {
	path = strings.TrimSuffix(path, ".pub")
	cert, ok := readPublicKey(path + "-cert.pub").(*ssh.Certificate)
	if !ok {
		return []key{plain}
	}
	signer, err := ssh.NewCertSigner(cert, plain.Signer)
	if err != nil {
		return []key{plain} // the certificate of another key
	}
	return []key{{Signer: signer, name: path + "-cert.pub"}, plain}
}

// readPublicKey gives nil where there is none.
func readPublicKey(path string) ssh.PublicKey {
	data, err := localfile.Read(path, maxKey)
	if err != nil {
		return nil
	}
	return parsePublicKey(data)
}

func parsePublicKey(data []byte) ssh.PublicKey {
	public, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil
	}
	return public
}
