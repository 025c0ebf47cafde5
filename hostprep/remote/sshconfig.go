package remote

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/kevinburke/ssh_config"

	"github.com/dualstrap/dualstrap/internal/localfile"
)

// sshConfig holds the user's SSH configuration file.
type sshConfig struct {
	path   string
	parsed *ssh_config.Config
}

// maxConfig is the largest file to read, in bytes; no real configuration comes close.
const maxConfig = 8 << 20

// loadSSHConfig reads the file at path. With [None] it returns an empty configuration.
func loadSSHConfig(path string) (sshConfig, error) {
	if path == None {
		return sshConfig{parsed: &ssh_config.Config{}}, nil
	}
	data, err := localfile.Read(path, maxConfig)
	if err != nil {
		return sshConfig{}, fmt.Errorf("cannot read the SSH configuration: %w", err)
	}
	return parseSSHConfig(path, data)
}

// parseSSHConfig ignores Match blocks whose conditions cannot be evaluated here, as exec and final. Such a block often
// concerns other hosts, and must not make the whole file unusable.
func parseSSHConfig(path string, data []byte) (sshConfig, error) {
	config := sshConfig{path: path}
	lines := bytes.Split(data, []byte("\n"))
	match := regexp.MustCompile(`(?i)^\s*match[\s=]+(.*)$`)
	supported := regexp.MustCompile(`(?i)^(all|host\s+[^\s]+)\s*$`)
	for i, line := range lines {
		condition := match.FindSubmatch(line)
		if condition != nil && !supported.Match(condition[1]) {
			lines[i] = []byte("Host !*") // matches no host, and keeps the line numbers of the parser's errors
		}
	}
	parsed, err := ssh_config.DecodeBytes(bytes.Join(lines, []byte("\n")))
	if err != nil {
		return config, fmt.Errorf("cannot read the SSH configuration %s: %w", path, err)
	}
	config.parsed = parsed
	return config, nil
}

// get returns the first value of a keyword for a host, as OpenSSH does, or "" when it is not set.
func (c sshConfig) get(alias, keyword string) (string, error) {
	value, err := c.parsed.Get(alias, keyword)
	if err != nil {
		return "", fmt.Errorf("cannot read %s of %s in %s: %w", keyword, alias, c.path, err)
	}
	return strings.TrimSpace(value), nil
}

// all returns every value of a keyword that may be given several times, as IdentityFile.
func (c sshConfig) all(alias, keyword string) ([]string, error) {
	values, err := c.parsed.GetAll(alias, keyword)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s of %s in %s: %w", keyword, alias, c.path, err)
	}
	return values, nil
}
