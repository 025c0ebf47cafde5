package remote

import "golang.org/x/crypto/ssh"

// VerifyHostKey verifies a key against a known_hosts file.
func VerifyHostKey(path, name string, shown ssh.PublicKey) error {
	known, err := loadHostKeys(knownHostsFiles{path}, Strict)
	if err != nil {
		return err
	}
	return known.verify(name, known.entries(name), shown)
}
