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

// hostKeys is what one set of known_hosts files says. It is shared by all connections.
type hostKeys struct {
	files  knownHostsFiles
	policy HostKeyPolicy

	mu    sync.Mutex
	db    *knownhosts.HostKeyDB
	stamp fileStamp
	// revokes says that the files revoke keys at all. To ask for that is to go through all lines once more.
	revokes bool
	// added is what was accepted since the files were read, by the name of the host.
	added map[string]ssh.PublicKey
}

func loadHostKeys(files knownHostsFiles, policy HostKeyPolicy) (*hostKeys, error) {
	h := &hostKeys{files: files, policy: policy}
	return h, h.load()
}

// load reads the files. A missing one knows no host.
func (h *hostKeys) load() error {
	var there []string
	for _, file := range h.files {
		if _, err := os.Stat(file); err == nil {
			there = append(there, file)
		} else if !os.IsNotExist(err) {
			return fmt.Errorf("cannot read known hosts: %w", err)
		}
	}
	stamp := stampOf(h.files[0])
	db, err := knownhosts.NewDB(there...)
	if err != nil {
		return fmt.Errorf("cannot read known hosts from %s: %w", strings.Join(there, " and "), err)
	}
	h.db, h.stamp, h.added = db, stamp, map[string]ssh.PublicKey{}
	h.revokes, err = revokes(there)
	return err
}

// revokes reports whether files revoke any key.
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

// namesFor gives the names a host may be known by.
func namesFor(name string) []string {
	host, port, err := net.SplitHostPort(name)
	if err != nil || port == strconv.Itoa(defaultPort) {
		return []string{name}
	}
	return []string{name, net.JoinHostPort(host, strconv.Itoa(defaultPort))}
}

// entry is a key that is known of a host.
type entry struct {
	ssh.PublicKey
	// authority says that it is no host's key, but one that signs them.
	authority bool
	// portless says that the entry has no port, but the host does. As with OpenSSH it is good for
	// trusting the host and not for mistrusting it: something else may well run at another port.
	portless bool
}

// entries gives the known keys of a host.
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

// algorithms gives the host key algorithms to offer: first those by which the host is known, so that
// a host with several keys shows one of them, then all others, so that a host which has none of the
// known kind is told as changed and not as one to which no words are found.
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
			if authority { // the authority's key tells nothing about the kind of the host's
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

// verify judges the key that a host shows by its entries. It adds it to the files where the policy
// says so.
func (h *hostKeys) verify(name string, entries []entry, shown ssh.PublicKey) error {
	err := h.check(name, entries, shown)
	if errors.Is(err, ErrHostKeyUnknown) && h.policy == AcceptNew {
		return h.accept(name, plainKey(shown))
	}
	return err
}

func (h *hostKeys) check(name string, entries []entry, shown ssh.PublicKey) error {
	h.mu.Lock()
	db, revokes := h.db, h.revokes
	h.mu.Unlock()
	callback := db.HostKeyCallback()
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
		shown = plainKey(shown) // it may be known without its certificate
	}
	var other []ssh.PublicKey
	for _, known := range entries {
		switch {
		case known.authority: // no host's key
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

// changed says which keys are known in place of the one shown, and where.
func (h *hostKeys) changed(callback ssh.HostKeyCallback, name string, shown ssh.PublicKey, other []ssh.PublicKey) error {
	places := map[string]string{} // by key
	var keyErr *xknownhosts.KeyError
	if errors.As(callback(name, noAddress(), shown), &keyErr) {
		for _, known := range keyErr.Want {
			places[string(known.Key.Marshal())] = fmt.Sprintf("%s:%d", known.Filename, known.Line)
		}
	}
	known := make([]string, len(other))
	for i, key := range other {
		// One that was added in this run has no line yet, as far as is known here.
		known[i] = cmp.Or(places[string(key.Marshal())], h.files[0]) + " has " + fingerprint(key)
	}
	return &Error{
		Op: "cannot trust " + knownhosts.Normalize(name), Reason: ErrHostKeyChanged,
		Err: fmt.Errorf("it shows %s, but %s", fingerprint(shown), strings.Join(known, ", ")),
		HintText: fmt.Sprintf("if the host was installed anew, forget its old key: ssh-keygen -f %s -R '%s'; "+
			"if not, somebody may be between you and it", h.files[0], knownhosts.Normalize(name)),
	}
}

// revoked looks for a revoked key: the one shown, the one in its certificate, or that of its authority.
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

// noAddress keeps package knownhosts from looking at anything but the name.
func noAddress() net.Addr { return &net.TCPAddr{} }

func fingerprint(key ssh.PublicKey) string {
	return key.Type() + " " + ssh.FingerprintSHA256(key)
}

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
