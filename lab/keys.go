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

// key gives the lab's private key, a new one when there is none yet.
func (w Workspace) key() (signer ssh.Signer, made bool, err error) {
	private, err := os.ReadFile(w.KeyPath())
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
		return nil, made, fmt.Errorf("cannot read the lab's key %s (remove it, and a new one is made): %w", w.KeyPath(), err)
	}
	public := authorizedKey(signer)
	if present, err := os.ReadFile(w.publicKeyPath()); err == nil && bytes.Equal(present, public) {
		return signer, made, nil
	}
	return signer, made, writeFile(w.publicKeyPath(), public, 0o644)
}

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

const keyComment = "dualstrap-lab"

// authorizedKey is the line of authorized_keys for a key.
func authorizedKey(signer ssh.Signer) []byte {
	line := bytes.TrimSpace(ssh.MarshalAuthorizedKey(signer.PublicKey()))
	return append(line, " "+keyComment+"\n"...)
}

// knownHosts lists host keys, by IDs of hosts, under both addresses of each host.
func knownHosts(hosts []Host, keys map[string][]ssh.PublicKey) []byte {
	var out strings.Builder
	for _, host := range hosts {
		for _, key := range keys[host.ID] {
			fmt.Fprintf(&out, "%s,%s %s", host.IPv4, host.IPv6, ssh.MarshalAuthorizedKey(key))
		}
	}
	return []byte(out.String())
}

// login logs in as root with the lab's key, at a host that proves to have one of the given keys.
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
