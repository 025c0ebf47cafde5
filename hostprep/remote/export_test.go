package remote

import "golang.org/x/crypto/ssh"

// JudgeHostKey judges a key by a known_hosts file.
func JudgeHostKey(path, name string, shown ssh.PublicKey) error {
	known, err := loadHostKeys(knownHostsFiles{path}, Strict)
	if err != nil {
		return err
	}
	return known.verify(name, known.entries(name), shown)
}
