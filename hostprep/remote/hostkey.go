package remote

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys holds the content of one set of known_hosts files. All connections share it.
type hostKeys struct {
	files  knownHostsFiles
	policy HostKeyPolicy

	mu    sync.Mutex // guards what follows
	db    *knownhosts.HostKeyDB
	stamp fileStamp // of the first file when it was last read or written here
	// revokes reports whether the files revoke any key. If not, checks skip a search through all lines.
	revokes bool
	// added holds the keys that were accepted since the files were read, by host name.
	added map[string]ssh.PublicKey
}

// loadHostKeys reads known_hosts files. files must not be empty.
func loadHostKeys(files knownHostsFiles, policy HostKeyPolicy) (*hostKeys, error) {
	h := &hostKeys{files: files, policy: policy}
	return h, h.load()
}

// load reads the files and skips missing ones. The caller holds the lock, or is the only user.
func (h *hostKeys) load() error {
	var there []string
	for _, file := range h.files {
		if _, err := os.Stat(file); err == nil {
			there = append(there, file)
		} else if !os.IsNotExist(err) {
			return fmt.Errorf("cannot read known hosts: %w", err)
		}
	}
	stamp := stampOf(h.files[0]) // before the file is read, so that a later change of it is noticed
	db, err := knownhosts.NewDB(there...)
	if err != nil {
		return fmt.Errorf("cannot read known hosts from %s: %w", strings.Join(there, " and "), err)
	}
	h.db, h.stamp, h.added = db, stamp, map[string]ssh.PublicKey{}
	h.revokes, err = revokes(there)
	return err
}

// revokes reports whether the files revoke any key.
func revokes(files []string) (bool, error) {
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return false, fmt.Errorf("cannot read known hosts: %w", err)
		}
		if bytes.Contains(content, []byte("@revoked")) {
			return true, nil
		}
	}
	return false, nil
}

// namesFor returns the names under which known_hosts may list a host: with its port, then as on the default port.
func namesFor(name string) []string {
	host, port, err := net.SplitHostPort(name)
	if err != nil || port == strconv.Itoa(defaultPort) {
		return []string{name}
	}
	return []string{name, net.JoinHostPort(host, strconv.Itoa(defaultPort))}
}

// entry is a known key of a host.
type entry struct {
	ssh.PublicKey
	// authority means that the key is not the host's own, but signs host certificates (@cert-authority).
	authority bool
	// portless means that the host has another port than 22, and that the entry names no port. As with OpenSSH,
	// such a key makes the host trusted, but not a different key suspicious: another server may run at the port.
	portless bool
}

// entries returns the known keys of a host.
func (h *hostKeys) entries(name string) []entry {
	h.mu.Lock()
	db, added := h.db, h.added[name]
	h.mu.Unlock()
	var entries []entry
	if added != nil {
		entries = append(entries, entry{PublicKey: added})
	}
	for i, each := range namesFor(name) {
		for _, key := range db.HostKeys(each) {
			entries = append(entries, entry{PublicKey: key.PublicKey, authority: key.Cert, portless: i > 0})
		}
	}
	return entries
}

// algorithms returns the host key algorithms to offer, in order of preference. The known types come first, so that a host
// with several keys shows a known one. All others follow, so that a host without a key of a known type is reported as
// changed, and not as a failed negotiation.
func algorithms(entries []entry) []string {
	const certificate = "-cert-v01@openssh.com"
	var certs, known, rest []string
	kinds, authority := map[string]bool{}, false
	for _, known := range entries {
		kinds[known.Type()] = true
		authority = authority || known.authority
	}
	for _, algorithm := range ssh.SupportedAlgorithms().HostKeys {
		kind := algorithm
		if algorithm == ssh.KeyAlgoRSASHA256 || algorithm == ssh.KeyAlgoRSASHA512 {
			kind = ssh.KeyAlgoRSA
		}
		switch {
		case strings.HasSuffix(algorithm, certificate):
			if authority { // the type of the authority's key does not restrict that of the host's key
				certs = append(certs, algorithm)
			}
		case kinds[kind]:
			known = append(known, algorithm)
		default:
			rest = append(rest, algorithm)
		}
	}
	return append(append(certs, known...), rest...)
}

// verify checks the key that a host shows against its entries. With AcceptNew, it adds the key of an unknown host to the
// first file.
func (h *hostKeys) verify(name string, entries []entry, shown ssh.PublicKey) error {
	err := h.check(name, entries, shown)
	if errors.Is(err, ErrHostKeyUnknown) && h.policy == AcceptNew {
		return h.accept(name, plainKey(shown))
	}
	return err
}

// check checks a key against a host's entries, without side effects: first revocations, then a certificate, then plain keys.
func (h *hostKeys) check(name string, entries []entry, shown ssh.PublicKey) error {
	h.mu.Lock()
	db, revokes := h.db, h.revokes
	h.mu.Unlock()
	callback := db.HostKeyCallback()
	// A revoked key is rejected even if another entry lists it as known.
	if revokes {
		if err := revoked(callback, name, shown); err != nil {
			return err
		}
	}
	var certificateErr error
	if _, ok := shown.(*ssh.Certificate); ok {
		for _, each := range namesFor(name) {
			if certificateErr = callback(each, noAddress(), shown); certificateErr == nil {
				return nil
			}
		}
		shown = plainKey(shown) // the key in the certificate may be known on its own
	}
	var other []ssh.PublicKey
	for _, known := range entries {
		switch {
		case known.authority: // it signs hosts' keys, and identifies none
		case bytes.Equal(known.Marshal(), shown.Marshal()):
			return nil
		case !known.portless:
			other = append(other, known.PublicKey)
		}
	}
	if len(other) > 0 {
		return h.changed(callback, name, shown, other)
	}
	return unknownError(name, shown, h.files[0], certificateErr)
}

// changed returns the error for a host that shows another key than the known ones, with the place of each known one.
func (h *hostKeys) changed(callback ssh.HostKeyCallback, name string, shown ssh.PublicKey, other []ssh.PublicKey) error {
	places := map[string]string{} // by marshaled key
	var keyErr *xknownhosts.KeyError
	if errors.As(callback(name, noAddress(), shown), &keyErr) {
		for _, known := range keyErr.Want {
			places[string(known.Key.Marshal())] = fmt.Sprintf("%s:%d", known.Filename, known.Line)
		}
	}
	known := make([]string, len(other))
	for i, key := range other {
		// A key that this run added has no line number: the database was read before.
		known[i] = cmp.Or(places[string(key.Marshal())], h.files[0]) + " has " + fingerprint(key)
	}
	return &Error{
		Op: "cannot trust " + knownhosts.Normalize(name), Reason: ErrHostKeyChanged,
		Err: fmt.Errorf("it shows %s, but %s", fingerprint(shown), strings.Join(known, ", ")),
		HintText: fmt.Sprintf("if the host was reinstalled, remove its old key: ssh-keygen -f %s -R '%s'; "+
			"if not, someone may be intercepting the connection", h.files[0], knownhosts.Normalize(name)),
	}
}

// revoked returns an error if a key is revoked: the one shown or, for a certificate, the key in it or its authority's.
func revoked(callback ssh.HostKeyCallback, name string, shown ssh.PublicKey) error {
	keys := []ssh.PublicKey{shown}
	if cert, ok := shown.(*ssh.Certificate); ok {
		keys = []ssh.PublicKey{cert.Key, cert.SignatureKey}
	}
	for _, key := range keys {
		var found *xknownhosts.RevokedError
		if errors.As(callback(name, noAddress(), key), &found) {
			return &Error{
				Op: "cannot trust " + knownhosts.Normalize(name), Reason: ErrHostKeyRevoked,
				Err:      fmt.Errorf("%s is revoked at %s:%d", fingerprint(key), found.Revoked.Filename, found.Revoked.Line),
				HintText: "give the host a new key before you use it again",
			}
		}
	}
	return nil
}

// noAddress returns an address that matches no entry, so that package knownhosts looks up the name alone.
func noAddress() net.Addr { return &net.TCPAddr{} }

// fingerprint returns the type and the SHA-256 fingerprint of a key, in the form that ssh-keygen prints.
func fingerprint(key ssh.PublicKey) string {
	return key.Type() + " " + ssh.FingerprintSHA256(key)
}

// unknownError returns the error for a host without a known key. cause is the reason why its certificate was rejected, or nil.
func unknownError(name string, shown ssh.PublicKey, file string, cause error) error {
	err := fmt.Errorf("it shows %s", fingerprint(shown))
	if cause != nil {
		err = fmt.Errorf("%w with a certificate that is not valid for it: %w", err, cause)
	}
	return &Error{
		Op: "cannot trust " + knownhosts.Normalize(name), Reason: ErrHostKeyUnknown, Err: err,
		HintText: "compare the fingerprint with `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` on the host's console, then add the key to " + file +
			", or set hostKeyPolicy to accept-new",
	}
}
