package lab

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// key returns the lab's private key. It creates the key if it is missing, and restores the public key file beside it.
func (w Workspace) key() (signer ssh.Signer, made bool, err error) {
	private, err := os.ReadFile(w.KeyPath())
	// Any other failure is an error: a key that cannot be read at the moment must not be replaced.
	if errors.Is(err, fs.ErrNotExist) {
		made = true
		private, err = newKey()
		if err == nil {
			err = writeFile(w.KeyPath(), private, 0o600)
		}
	}
	if err != nil {
		return nil, made, fmt.Errorf("cannot read the lab's key: %w", err)
	}
	signer, err = ssh.ParsePrivateKey(private)
	if err != nil {
		return nil, made, fmt.Errorf("cannot read the lab's key %s (remove it to get a new one): %w", w.KeyPath(), err)
	}
	// The public key is derived, so a lost or edited file is written again.
	public := authorizedKey(signer)
	if present, err := os.ReadFile(w.publicKeyPath()); err == nil && bytes.Equal(present, public) {
		return signer, made, nil
	}
	return signer, made, writeFile(w.publicKeyPath(), public, 0o644)
}

// newKey generates a private key in OpenSSH's format.
func newKey() ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, keyComment)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(block), nil
}

// keyComment is the comment of the key, by which users recognize it in authorized_keys.
const keyComment = "dualstrap-lab"

// authorizedKey returns the authorized_keys line of a key.
func authorizedKey(signer ssh.Signer) []byte {
	line := bytes.TrimSpace(ssh.MarshalAuthorizedKey(signer.PublicKey()))
	return append(line, " "+keyComment+"\n"...)
}

// knownHosts returns the known_hosts file of hosts, with both addresses of each one. keys is by host ID.
func knownHosts(hosts []Host, keys map[string][]ssh.PublicKey) []byte {
	var out strings.Builder
	for _, host := range hosts {
		for _, key := range keys[host.ID] {
			fmt.Fprintf(&out, "%s,%s %s", host.IPv4, host.IPv6, ssh.MarshalAuthorizedKey(key))
		}
	}
	return []byte(out.String())
}

// login logs in as root with the lab's key. The host must prove that it has one of the given host keys.
func login(address netip.Addr, signer ssh.Signer, keys []ssh.PublicKey) (*ssh.Client, error) {
	check := ssh.HostKeyCallback(func(_ string, _ net.Addr, offered ssh.PublicKey) error {
		for _, key := range keys {
			if bytes.Equal(key.Marshal(), offered.Marshal()) {
				return nil
			}
		}
		return errors.New("its host key is not that of the lab's host")
	})
	return ssh.Dial("tcp", netip.AddrPortFrom(address, 22).String(), &ssh.ClientConfig{
		User:            "root",
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: check,
		Timeout:         dialTimeout,
	})
}
